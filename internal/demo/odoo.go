package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"odooban/internal/netlab"
	"odooban/internal/odoosim"
)

const (
	webPort   = 8069
	loginPath = "/web/login"
	loginPage = "<!DOCTYPE html><title>Odoo</title><form method=post><input name=login><input name=password></form>\n"
)

// failedMark is what an Odoo 19 writes of each failed login, and what a filter
// that takes the log line by line looks for.
const failedMark = "Login failed for login:"

// odoo answers at the login page, and writes the log of a busy simulated Odoo
// while time passes.
type odoo struct {
	file   *os.File
	server *http.Server

	mu sync.Mutex
	// refused are kept out by the kernel, and gone from the log.
	refused, gone map[netip.Addr]bool
	text          []byte // of the log so far
	err           error
}

// startOdoo serves on the host, and makes the log's file.
func startOdoo(host *netlab.Host, path string) (*odoo, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open Odoo's log: %w", err)
	}
	o := &odoo{file: file, refused: make(map[netip.Addr]bool), gone: make(map[netip.Addr]bool)}
	var listener net.Listener
	err = host.Do(func() (err error) {
		listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", fmt.Sprintf(":%d", webPort))
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve the login page: %w", err), file.Close())
	}
	answer := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, loginPage) // the client says what is missing
	}
	o.server = &http.Server{Handler: http.HandlerFunc(answer), ReadHeaderTimeout: patience}
	go func() { _ = o.server.Serve(listener) }() // until close
	return o, nil
}

// close ends all connections, and the log.
func (o *odoo) close() {
	o.server.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.file.Close() // ends play
}

// play writes a log, each record when it is due, until it ends or ctx does.
func (o *odoo) play(ctx context.Context, log *odoosim.Log) {
	for i := range log.Writes {
		w := &log.Writes[i]
		select {
		case <-time.After(time.Until(w.At)):
		case <-ctx.Done():
			return
		}
		if err := o.write(w); err != nil {
			return
		}
	}
}

// write writes a record in one go, as Odoo's logger does. Who is refused makes
// no more requests; the one that is being answered still is.
func (o *odoo) write(w *odoosim.Write) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refused[w.Author] && bytes.Contains(w.Text, []byte(failedMark)) {
		o.gone[w.Author] = true
	}
	if o.gone[w.Author] {
		return nil
	}
	if _, err := o.file.Write(w.Text); err != nil {
		o.err = fmt.Errorf("write Odoo's log: %w", err)
		return o.err
	}
	o.text = append(o.text, w.Text...)
	return nil
}

// refuse says that the kernel keeps somebody out.
func (o *odoo) refuse(addr netip.Addr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refused[addr] = true
}

// written is the log so far.
func (o *odoo) written() (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text), o.err
}
