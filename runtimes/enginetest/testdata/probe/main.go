// Probe is the only program in the images that the suite builds.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(100)
	}
}

func run(verb string, args []string) error {
	switch verb {
	case "env": // env NAME: prints NAME=value
		fmt.Printf("%s=%s\n", args[0], os.Getenv(args[0]))
	case "read": // read PATH: prints the file
		text, err := os.ReadFile(args[0])
		fmt.Printf("%s\n", text)
		return err
	case "write": // write PATH TEXT
		return os.WriteFile(args[0], []byte(args[1]), 0o644)
	case "list": // list DIR: prints the files below it
		return filepath.WalkDir(args[0], list)
	case "sleep": // sleep DURATION [anything]
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		fmt.Println("sleeping", d)
		time.Sleep(d)
	case "get-from": // get-from NAME PATH: get, with the variable's value and the path as URL
		return run("get", []string{os.Getenv(args[0]) + args[1]})
	case "get": // get URL: prints a web server's answer, through the proxy if one is set
		answer, err := http.Get(args[0])
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		fmt.Printf("%s %s\n", answer.Status, text)
		return err
	case "fail": // fail CODE TEXT
		code, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, args[1])
		os.Exit(code)
	default:
		return fmt.Errorf("probe knows no %q", verb)
	}
	return nil
}

func list(path string, entry fs.DirEntry, err error) error {
	if err == nil && entry.Type().IsRegular() {
		fmt.Println("found", path)
	}
	return err
}
