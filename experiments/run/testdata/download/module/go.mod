module module.test

go 1.26

require golang.org/x/sync v0.23.0
