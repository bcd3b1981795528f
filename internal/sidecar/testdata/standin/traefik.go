package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

// traefik hands requests on to Odoo, and writes its access log in the common
// format, as the reference deployment lets it.
func traefik() error {
	file, err := os.OpenFile("/var/log/traefik/access.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o664)
	if err != nil {
		return err
	}
	var count atomic.Uint64
	upstream := &url.URL{Scheme: "http", Host: "odoo:8069"}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.SetXForwarded()
		},
		ModifyResponse: func(r *http.Response) error {
			client, _, err := net.SplitHostPort(r.Request.RemoteAddr)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(file, "%s - - [%s] \"%s %s HTTP/1.1\" %d %d \"-\" \"-\" %d \"odoo@docker\" \"http://172.18.0.3:8069\" 85ms\n",
				client, time.Now().UTC().Format("02/Jan/2006:15:04:05 -0700"),
				r.Request.Method, r.Request.URL.Path, r.StatusCode, r.ContentLength, count.Add(1))
			return err
		},
	}
	log.Print("serving port 80")
	return http.ListenAndServe(":80", proxy)
}
