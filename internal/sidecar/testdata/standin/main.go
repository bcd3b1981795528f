// Command standin plays the programs of a deployment that a test cannot have.
// The name that it is started by says which.
package main

import (
	"log"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	roles := map[string]func() error{"traefik": traefik, "odoo": odoo, "sh": build}
	role := filepath.Base(os.Args[0])
	if err := roles[role](); err != nil {
		log.Fatal(role, ": ", err)
	}
}

// build is the shell of the image that the Dockerfile builds odooban in: it
// holds the binary already, which is all that its commands could bring about.
func build() error {
	if !strings.HasPrefix(os.Args[2], "make build") {
		return nil
	}
	if err := os.Mkdir("/src/bin", 0o755); err != nil {
		return err
	}
	return os.Rename("/odooban", "/src/bin/odooban")
}
