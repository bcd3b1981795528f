package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"odooban/internal/control"
)

// odoobanSet is where odooban bans.
const odoobanSet = "odooban4"

// configuration is as shipped, with paths of its own, and a findtime that is
// longer than a measurement.
const configuration = `sources:
  - file: %[1]s/odoo.log
jails:
  - {rule: odoo-login, findtime: 1h, maxretry: %[2]d}
journal: {path: %[1]s/journal/odooban.db}
socket: %[1]s/odooban.sock
`

func (s *site) journal() string { return filepath.Join(s.dir, "journal", "odooban.db") }

// odooban starts odooban on a new site, with so many bans and victims who will be
// banned at their next failure.
func (w *workshop) odooban(ctx context.Context, bans int, victims []netip.Addr) (*daemon, error) {
	s, err := w.prepare(bans, victims)
	if err != nil {
		return nil, err
	}
	d, err := s.odooban(ctx, w.program)
	if err != nil {
		s.close()
	}
	return d, err
}

// prepare makes the site of an odooban.
func (w *workshop) prepare(bans int, victims []netip.Addr) (*site, error) {
	s, err := w.site()
	if err != nil {
		return nil, err
	}
	err = s.configure(tries)
	if err == nil && bans+len(victims) > 0 {
		err = remember(s.journal(), bans, victims)
	}
	if err != nil {
		s.close()
	}
	return s, err
}

// configure lets odooban ban at so many failures.
func (s *site) configure(maxretry int) error {
	return os.WriteFile(filepath.Join(s.dir, "odooban.yaml"), fmt.Appendf(nil, configuration, s.dir, maxretry), 0o600)
}

// odooban starts odooban on a site as systemd does, and waits until it says that
// it is ready.
func (s *site) odooban(ctx context.Context, program string) (*daemon, error) {
	path := filepath.Join(s.dir, "notify.sock")
	_ = os.Remove(path) // of the one before
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ODOOBAN_") })
	env = append(env, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=60000000")
	d, err := s.start(env, program, "run", "--config", filepath.Join(s.dir, "odooban.yaml"))
	if err != nil {
		return nil, errors.Join(err, notify.Close())
	}
	ready := make(chan struct{})
	go hear(notify, ready)
	go func() {
		<-d.ended
		_ = notify.Close() // nobody speaks any more
	}()
	select {
	case <-ready:
		return d, nil
	case <-d.ended:
		return nil, fmt.Errorf("wait for odooban: %w", d.said())
	case <-ctx.Done():
		d.kill()
		return nil, ctx.Err()
	}
}

// hear listens as systemd does, until the daemon ends.
func hear(notify net.Conn, ready chan<- struct{}) {
	message := make([]byte, 4096)
	for {
		n, err := notify.Read(message)
		if err != nil {
			return
		}
		if strings.HasPrefix(string(message[:n]), "READY=1") {
			close(ready)
		}
	}
}

// status is what odooban says of itself and of its log.
func (d *daemon) status(ctx context.Context) (control.Status, control.Source, error) {
	s, err := control.Dial(filepath.Join(d.dir, "odooban.sock")).Status(ctx)
	if err != nil {
		return s, control.Source{}, errors.Join(err, d.said())
	}
	at := slices.IndexFunc(s.Sources, func(source control.Source) bool { return source.Name == d.log })
	if at < 0 {
		return s, control.Source{}, errors.New("odooban does not follow " + d.log)
	}
	return s, s.Sources[at], nil
}
