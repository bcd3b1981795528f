package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// cooldown is after how many failures Odoo refuses to look at a password, which
// is the first that it says of them at level WARNING.
const cooldown = 10

// attempt is how long an attempt takes. Records of one process without a pause
// between them would be taken for a forged one.
const attempt = 30 * time.Millisecond

// odoo refuses every login and logs at level WARNING. It writes the lines of a
// real one, /warn.log, with the time and the address put into them.
func odoo() error {
	capture, err := os.ReadFile("/warn.log")
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(capture), "\n")
	var mu sync.Mutex
	form := "Wrong login/password" + strings.Repeat(" ", 4096) // the real one is as large
	failures := make(map[string]int)
	return http.ListenAndServe(":8069", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			fmt.Fprint(w, "Odoo")
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(form)))
		fmt.Fprint(w, form)
		addr := client(r)
		mu.Lock()
		defer mu.Unlock()
		time.Sleep(attempt)
		if failures[addr]++; failures[addr] > cooldown {
			fmt.Fprint(os.Stderr, at(time.Now(), addr, lines[0]))
			if net.ParseIP(addr).IsPrivate() {
				fmt.Fprint(os.Stderr, at(time.Now(), addr, lines[1]))
			}
		}
	}))
}

// client is whom Odoo takes a request to come from.
func client(r *http.Request) string {
	if forwarded := r.Header.Get("X-Forwarded-For"); os.Getenv("PROXY_MODE") == "True" && forwarded != "" {
		return forwarded
	}
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	return peer
}

// at puts a time and an address into a line of the capture.
func at(now time.Time, addr, line string) string {
	stamp := now.UTC().Format("2006-01-02 15:04:05,000")
	return strings.ReplaceAll(stamp+line[len(stamp):], "203.0.113.77", addr)
}
