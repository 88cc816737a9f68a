FROM docker.io/library/debian:13
COPY worker/work.sh worker/package.json /
CMD ["/work.sh"]
