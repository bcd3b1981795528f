//go:build !manual

// Command odooban watches Odoo's logs and cuts brute-force attackers off.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
