FROM golang:1.26
WORKDIR /src
COPY libs libs
COPY services/price services/price
RUN go build -o /bin/price ./services/price
