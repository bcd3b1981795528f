package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"odooban/internal/groupsocket"
)

// maxAnswer bounds an answer, in bytes: a million bans take half of it.
const maxAnswer = 512 << 20

// Client asks a running daemon. Errors are ErrDown when there is none and
// ErrDenied when the socket may not be opened; others are the daemon's words.
type Client struct {
	path string
	http http.Client
}

// Dial returns a client of the daemon whose socket is at path. It connects with
// the first question, and anew with each.
func Dial(path string) *Client {
	dialer := net.Dialer{Timeout: readWithin}
	return &Client{path: path, http: http.Client{
		Timeout: answerWithin + time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "unix", path)
			},
		},
	}}
}

// Status asks how odooban is doing.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.ask(ctx, http.MethodGet, "/status", nil, &s)
	return s, err
}

// Bans asks for the bans in force.
func (c *Client) Bans(ctx context.Context) (b Bans, err error) {
	err = c.ask(ctx, http.MethodGet, "/bans", nil, &b)
	return b, err
}

// Why asks for all that is known of an address.
func (c *Client) Why(ctx context.Context, addr string) (w Why, err error) {
	err = c.ask(ctx, http.MethodGet, "/why?addr="+url.QueryEscape(addr), nil, &w)
	return w, err
}

// Ban orders a ban.
func (c *Client) Ban(ctx context.Context, o Order) (b Banned, err error) {
	err = c.ask(ctx, http.MethodPost, "/bans", o, &b)
	return b, err
}

// Unban ends the ban of an address or a network.
func (c *Client) Unban(ctx context.Context, prefix string) (u Unbanned, err error) {
	err = c.ask(ctx, http.MethodDelete, "/bans?prefix="+url.QueryEscape(prefix), nil, &u)
	return u, err
}

// Flush ends all bans.
func (c *Client) Flush(ctx context.Context) (f Flushed, err error) {
	err = c.ask(ctx, http.MethodDelete, "/bans", nil, &f)
	return f, err
}

// Reload asks for the configuration to be read again, and does not wait for it.
func (c *Client) Reload(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, "/reload", nil, new(struct{}))
}

func (c *Client) ask(ctx context.Context, method, path string, body, answer any) error {
	var sent bytes.Buffer
	if body != nil {
		if err := encode(&sent, body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://odooban"+path, &sent)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	said := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode == http.StatusOK {
		if err := said.Decode(answer); err != nil {
			return fmt.Errorf("read answer of odooban: %w", err)
		}
		return nil
	}
	var f failure
	if err := said.Decode(&f); err != nil || f.Error == "" {
		return fmt.Errorf("odooban answers %s; is it another program that listens at %s?", resp.Status, c.path)
	}
	if resp.StatusCode == http.StatusBadRequest {
		return &wrongError{errors.New(f.Error)}
	}
	return errors.New(f.Error)
}

// explain says why nobody answers.
func (c *Client) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (%s)", ErrDenied, c.path)
	case errors.Is(err, fs.ErrNotExist) && groupsocket.Held(c.path):
		return fmt.Errorf("%w (%s)", ErrLost, c.path)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: nobody listens at %s", ErrDown, c.path)
	}
	return fmt.Errorf("ask odooban: %w", err)
}
