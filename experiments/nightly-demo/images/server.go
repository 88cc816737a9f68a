// Command server answers every request with its name. It speaks just enough
// HTTP for a probe, so that it compiles in seconds.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
)

// name is set when the image is built.
var name = "unnamed"

func main() {
	listener, err := net.Listen("tcp", ":8080")
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go answer(connection)
	}
}

func answer(connection net.Conn) {
	defer connection.Close()
	request := bufio.NewReader(connection)
	for {
		line, err := request.ReadString('\n')
		if err != nil {
			return
		}
		if line == "\r\n" {
			break
		}
	}
	fmt.Fprintf(connection, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(name), name)
}
