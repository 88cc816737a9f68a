// Command ask fails unless the ssh agent that the build mounts holds a key.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	if err := ask(os.Getenv("SSH_AUTH_SOCK")); err != nil {
		fmt.Fprintln(os.Stderr, "asking the agent:", err)
		os.Exit(1)
	}
}

// ask sends a request for identities (11), which is answered (12) with how many
// there are.
func ask(socket string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{0, 0, 0, 1, 11}); err != nil {
		return err
	}
	answer := make([]byte, 9)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if keys := binary.BigEndian.Uint32(answer[5:]); answer[4] != 12 || keys != 1 {
		return fmt.Errorf("it answers %d with %d keys", answer[4], keys)
	}
	fmt.Println("the agent holds a key")
	return nil
}
