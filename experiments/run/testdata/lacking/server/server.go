// Command server says its name, and waits.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	fmt.Println(os.Getenv("NAME"))
	time.Sleep(time.Hour)
}
