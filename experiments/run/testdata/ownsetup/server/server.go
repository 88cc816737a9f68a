// Command server answers its name. With an argument it ends well at once, as
// the work of a Job.
package main

import (
	"fmt"
	"net/http"
	"os"
)

// name is set when the image is built.
var name = "unnamed"

func main() {
	if len(os.Args) > 1 {
		fmt.Println(os.Args[1], "done")
		return
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
