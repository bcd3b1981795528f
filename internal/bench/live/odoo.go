package main

import (
	"fmt"
	"net/netip"
	"os"
	"time"
)

// odoo is a prefork server that logs failed logins, one process after the other.
type odoo struct {
	file      *os.File
	processes int
	next      int
	buf       []byte
}

func openOdoo(log string, processes int) (*odoo, error) {
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return &odoo{file: f, processes: processes}, nil
}

// fail composes the record of a failed login at a moment, and its access line.
func (o *odoo) fail(addr netip.Addr, at time.Time) {
	const took = 4 * time.Millisecond
	at = at.UTC()
	pid := 400 + o.next%o.processes
	o.next++
	o.header(at, pid)
	o.buf = append(o.buf, "odoo.addons.base.models.res_users: Login failed for db:shop login:admin from "...)
	o.buf = append(addr.AppendTo(o.buf), " \n"...)
	o.header(at, pid)
	o.buf = append(addr.AppendTo(append(o.buf, "werkzeug: "...)), " - - ["...)
	o.buf = at.AppendFormat(o.buf, "02/Jan/2006 15:04:05")
	o.buf = fmt.Appendf(o.buf, `] "POST /web/login HTTP/1.1" 200 - 5 0.001 %.3f`+"\n", took.Seconds())
}

// header composes what each record begins with.
func (o *odoo) header(at time.Time, pid int) {
	o.buf = at.AppendFormat(o.buf, "2006-01-02 15:04:05.000")
	o.buf[len(o.buf)-len("000")-1] = ','
	o.buf = fmt.Appendf(o.buf, " %d INFO shop ", pid)
}

// write writes what was composed.
func (o *odoo) write() error {
	_, err := o.file.Write(o.buf)
	o.buf = o.buf[:0]
	return err
}
