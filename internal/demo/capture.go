package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

// capture is what a real Odoo wrote while it was attacked.
type capture struct {
	// boot is what the server wrote before the first request.
	boot string
	// visit is the access line of a look at the login page, failed a failed
	// login with its access line.
	visit  string
	failed attempt
	// logins are what was tried, in order.
	logins []string
}

// attempt is a failed login as Odoo logs it: the record, of several lines if
// the login has some, and the access line of the request.
type attempt struct {
	record, access string
	login          string
	addr           string
}

const (
	failedMark = " odoo.addons.base.models.res_users: Login failed for login:"
	accessMark = " werkzeug: "
	visitMark  = `"GET /web/login HTTP/1.1" 200 `
	postMark   = `"POST /web/login HTTP/1.1" 200 `

	// How Odoo writes the time: in records, and again in access lines.
	stampLayout  = "2006-01-02 15:04:05,000"
	accessLayout = "02/Jan/2006 15:04:05"
)

// readCapture reads a log file.
func readCapture(path string) (*capture, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read capture: %w", err)
	}
	c, err := parseCapture(string(text))
	if err != nil {
		return nil, fmt.Errorf("read capture %s: %w", path, err)
	}
	return c, nil
}

func parseCapture(text string) (*capture, error) {
	c := &capture{}
	var record strings.Builder
	for line := range strings.Lines(text) {
		access := strings.Contains(line, accessMark)
		switch {
		case access && record.Len() > 0:
			c.add(record.String(), line)
			record.Reset()
		case record.Len() > 0 || strings.Contains(line, failedMark):
			record.WriteString(line)
		}
		if access && c.visit == "" && strings.Contains(line, visitMark) {
			c.visit = line
		}
		if !access && c.visit == "" {
			c.boot += line
		}
	}
	if c.visit == "" || len(c.logins) == 0 {
		return nil, errors.New("no look at the login page, or no failed login")
	}
	return c, nil
}

// add takes a failed login of the login page; the capture has other ones.
func (c *capture) add(record, access string) {
	if !strings.Contains(access, postMark) {
		return
	}
	addr := accessAddr(access)
	_, login, _ := strings.Cut(record, failedMark)
	login, ok := strings.CutSuffix(login, " from "+addr+" \n")
	if !ok {
		return
	}
	if len(c.logins) == 0 {
		c.failed = attempt{record: record, access: access, login: login, addr: addr}
	}
	c.logins = append(c.logins, login)
}

// accessAddr is the client of an access line.
func accessAddr(line string) string {
	_, rest, _ := strings.Cut(line, accessMark)
	addr, _, _ := strings.Cut(rest, " ")
	return addr
}

// at returns the attempt as Odoo would have logged it for another login, from
// another client, in a request that began and ended at other times.
func (a attempt) at(from netip.Addr, login string, began, ended time.Time) (record, access string) {
	header, _, _ := strings.Cut(a.record, failedMark)
	record = restamp(header, ended) + failedMark + login + " from " + from.String() + " \n"
	return record, accessAt(a.access, from, began, ended)
}

// accessAt returns an access line for another client and other times. It ends
// in how many queries there were, and the seconds that they and the rest took.
func accessAt(line string, from netip.Addr, began, ended time.Time) string {
	line = restamp(line, ended)
	line = strings.Replace(line, accessMark+accessAddr(line), accessMark+from.String(), 1)
	before, rest, _ := strings.Cut(line, "[")
	_, after, _ := strings.Cut(rest, "]")
	words := strings.Fields(after)
	words = append(words[:len(words)-2], "0.000", fmt.Sprintf("%.3f", ended.Sub(began).Seconds()))
	return before + "[" + ended.UTC().Format(accessLayout) + "] " + strings.Join(words, " ") + "\n"
}

// restamp returns text with other times where lines begin with one.
func restamp(text string, now time.Time) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if _, ok := stamp(line); ok {
			line = now.UTC().Format(stampLayout) + line[len(stampLayout):]
		}
		out.WriteString(line)
	}
	return out.String()
}

// stamp reads the time that a line begins with.
func stamp(line string) (time.Time, bool) {
	if len(line) < len(stampLayout) {
		return time.Time{}, false
	}
	t, err := time.Parse(stampLayout, line[:len(stampLayout)])
	return t, err == nil
}

// forgery returns the captured login that frames victim behind a line end, as
// a forger would write it who knows the time and the worker's process.
func (c *capture) forgery(victim string, now time.Time) (string, error) {
	for _, login := range c.logins {
		if strings.Contains(login, " from "+victim+"\n") {
			return restamp(strings.ReplaceAll(login, " 1 INFO ", " "+process(c.failed.record)+" INFO "), now), nil
		}
	}
	return "", fmt.Errorf("find forged login in the capture: none frames %s", victim)
}

// process is the process that wrote a record, the word behind the time.
func process(record string) string {
	pid, _, _ := strings.Cut(record[len(stampLayout)+1:], " ")
	return pid
}
