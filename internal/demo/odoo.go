package main

import (
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
)

const (
	webPort   = 8069
	loginPath = "/web/login"
	loginPage = "<!DOCTYPE html><title>Odoo</title><form method=post><input name=login><input name=password></form>\n"
)

// odoo answers at the login page, knows nobody, and logs as the captured Odoo
// did. It is one worker: requests come one after the other.
type odoo struct {
	capture *capture
	log     *os.File
	server  *http.Server

	mu sync.Mutex
	// failed is when the last failed login was written, record what it was.
	failed time.Time
	record string
	err    error
}

// startOdoo serves on the host, and logs to a new file at path.
func startOdoo(host *netlab.Host, c *capture, path string) (*odoo, error) {
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open Odoo's log: %w", err)
	}
	o := &odoo{capture: c, log: log}
	if err := o.write(restamp(c.boot, time.Now())); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	var listener net.Listener
	err = host.Do(func() (err error) {
		listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", fmt.Sprintf(":%d", webPort))
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve the login page: %w", err), log.Close())
	}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: patience}
	go func() { _ = o.server.Serve(listener) }() // until close
	return o, nil
}

// close ends all connections.
func (o *odoo) close() {
	o.server.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log.Close()
}

// ServeHTTP answers like Odoo's login page: a failed login is a 200, too.
func (o *odoo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != loginPath {
		http.NotFound(w, r)
		return
	}
	client, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	from := client.Addr().Unmap()
	o.mu.Lock()
	defer o.mu.Unlock()
	if began := time.Now(); r.Method == http.MethodPost {
		o.err = errors.Join(o.err, o.logFailed(from, r.PostFormValue("login"), began))
	} else {
		o.err = errors.Join(o.err, o.write(accessAt(o.capture.visit, from, began, time.Now())))
	}
	_, _ = io.WriteString(w, loginPage) // the client says what is missing
}

// logFailed logs a failed login as Odoo does: the login as it came, line ends
// and all.
func (o *odoo) logFailed(from netip.Addr, login string, began time.Time) error {
	record, access := o.capture.failed.at(from, login, began, time.Now())
	if err := o.write(record); err != nil {
		return err
	}
	o.failed, o.record = time.Now(), record
	return o.write(access)
}

// lastFailed says when the last failed login was written, and whether writing
// has failed.
func (o *odoo) lastFailed() (time.Time, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed, o.err
}

// lastRecord is the record of the last failed login as it stands in the log.
func (o *odoo) lastRecord() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.record
}

// write writes a record in one go, as Odoo's logger does.
func (o *odoo) write(record string) error {
	if _, err := o.log.WriteString(record); err != nil {
		return fmt.Errorf("write Odoo's log: %w", err)
	}
	return nil
}
