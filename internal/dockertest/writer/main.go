// writer is the program of dockertest.Writer: it copies the FIFOs /in/out and
// /in/err to its standard output and error, until it is stopped.
package main

import (
	"io"
	"log"
	"os"
)

func main() {
	go follow("/in/err", os.Stderr)
	follow("/in/out", os.Stdout)
}

// follow never meets an end: it holds the FIFO open for writing, too.
func follow(fifo string, to io.Writer) {
	from, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		log.Fatal(err)
	}
}
