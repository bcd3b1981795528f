package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// fail2banSet is where fail2ban bans: its jail is named odoo.
const fail2banSet = "f2b-odoo"

// fail2banFilter finds what odooban's rule does.
const fail2banFilter = `[Definition]
failregex = odoo\.addons\.base\.models\.res_users: Login failed for db:\S+ login:.* from <HOST>\s*$
`

// fail2banJail is Debian's configuration but for the action: its own bans with a
// rule for each address, which takes longer the more there are; this one with
// ipset, as odooban does.
const fail2banJail = `[DEFAULT]
banaction = iptables-ipset-proto6-allports
[odoo]
enabled = true
logpath = %s
maxretry = 10
findtime = 1h
bantime = 1h
`

const fail2banPaths = `[Definition]
loglevel = INFO
logtarget = %[1]s/fail2ban.log
socket = %[1]s/fail2ban.sock
pidfile = %[1]s/fail2ban.pid
dbfile = %[1]s/fail2ban.sqlite3
`

// prepareFail2ban makes the site of a fail2ban, with a configuration, socket and
// database of its own.
func (w *workshop) prepareFail2ban() (*site, error) {
	for _, program := range []string{"fail2ban-server", "fail2ban-client", "ipset", "iptables"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("needs %s: apt install fail2ban python3-pyinotify ipset iptables", program)
		}
	}
	s, err := w.site()
	if err != nil {
		return nil, err
	}
	if err := s.configureFail2ban(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) configureFail2ban() error {
	dir := filepath.Join(s.dir, "etc")
	if err := os.CopyFS(dir, os.DirFS("/etc/fail2ban")); err != nil {
		return err
	}
	// What Debian enables there reads the log of this machine.
	if err := os.RemoveAll(filepath.Join(dir, "jail.d")); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"filter.d/odoo.conf": fail2banFilter,
		"jail.local":         fmt.Sprintf(fail2banJail, s.log),
		"fail2ban.local":     fmt.Sprintf(fail2banPaths, s.dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// fail2ban starts fail2ban on a site, and waits until it has a jail.
func (s *site) fail2ban(ctx context.Context) (*daemon, error) {
	// Odoo writes UTC.
	env, etc := append(os.Environ(), "TZ=UTC"), filepath.Join(s.dir, "etc")
	d, err := s.start(env, "fail2ban-server", "-f", "-x", "-c", etc, "start")
	if err != nil {
		return nil, err
	}
	err = until(ctx, 50*time.Millisecond, "fail2ban has its jail", func() (bool, error) {
		select {
		case <-d.ended:
			return false, fmt.Errorf("start fail2ban: %w", d.said())
		default:
		}
		_, err := s.ask(ctx, "status", "odoo")
		return err == nil, nil
	})
	if err != nil {
		d.kill()
		return nil, err
	}
	return d, nil
}

// ask asks a running fail2ban.
func (s *site) ask(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "fail2ban-client", append([]string{"-c", filepath.Join(s.dir, "etc")}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("fail2ban-client %.100s: %w: %.500s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// fail2banFailures is how many failures a running fail2ban has found.
func (s *site) fail2banFailures(ctx context.Context) (n int, err error) {
	out, err := s.ask(ctx, "status", "odoo")
	if _, rest, ok := strings.Cut(out, "Total failed:"); ok {
		_, err = fmt.Sscan(rest, &n)
	}
	return n, err
}

// fail2banBans lets a running fail2ban ban.
func (s *site) fail2banBans(ctx context.Context, addrs []netip.Addr) error {
	const many = 500
	for some := range slices.Chunk(addrs, many) {
		args := []string{"set", "odoo", "banip"}
		for _, addr := range some {
			args = append(args, addr.String())
		}
		if _, err := s.ask(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}
