// Command server answers its name. Three images are built of it.
package main

import (
	"fmt"
	"net/http"
	"os"
)

// name is set when the image is built.
var name = "unnamed"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
