package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"odooban/banner"
	"odooban/internal/netlab"
	"odooban/internal/store"
	"odooban/rules"
)

// workshop is where everything is made.
type workshop struct {
	dir     string
	program string // odooban
	sites   int
}

// newWorkshop builds odooban.
func newWorkshop(ctx context.Context) (*workshop, error) {
	dir, err := os.MkdirTemp("", "odooban-bench-*")
	if err != nil {
		return nil, err
	}
	w := &workshop{dir: dir, program: filepath.Join(dir, "odooban")}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", w.program,
		"odooban/cmd/odooban")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build odooban: %w: %s", err, out), w.close())
	}
	return w, nil
}

func (w *workshop) close() error { return os.RemoveAll(w.dir) }

// site is a server in a network namespace of its own, with a folder and a log.
type site struct {
	dir  string
	log  string
	net  *netlab.Net
	sets *netlink.Handle
	// served is the port that is guarded: without it, odooban would take this for a
	// container that nobody comes by.
	served net.Listener
}

func (w *workshop) site() (*site, error) {
	w.sites++
	dir := filepath.Join(w.dir, fmt.Sprint(w.sites))
	s := &site{dir: dir, log: filepath.Join(dir, "odoo.log")}
	if err := s.make(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) make() (err error) {
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(s.log, nil, 0o600); err != nil {
		return err
	}
	// Without a client it would be a dead network.
	if s.net, err = netlab.New(1); err != nil {
		return err
	}
	return s.net.Server.Do(func() (err error) {
		if s.served, err = net.Listen("tcp", s.net.Server.Addr4.String()+":8069"); err != nil {
			return err
		}
		s.sets, err = netlink.NewHandle(unix.NETLINK_NETFILTER)
		return err
	})
}

func (s *site) close() {
	if s.served != nil {
		s.served.Close()
	}
	if s.sets != nil {
		s.sets.Close()
	}
	if s.net != nil {
		s.net.Close()
	}
}

// banned says whether a set of the kernel has an address.
func (s *site) banned(set string, addr netip.Addr) (bool, error) {
	found, err := s.sets.IpsetTest(set, &netlink.IPSetEntry{IP: addr.AsSlice(), CIDR: 32})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // which says that nobody was banned yet
		return false, fmt.Errorf("look into set %s: %w", set, err)
	}
	return found, nil
}

// remember writes to a journal, from which odooban goes on, so many bans of an
// hour, and for each of the victims all failures but the one that decides.
func remember(path string, bans int, victims []netip.Addr) error {
	j, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	now := time.Now()
	j.Update(func(tx *store.Tx) {
		for _, addr := range remembered(bans) {
			tx.Ban(banner.Ban{
				Prefix: netip.PrefixFrom(addr, 32), Rule: rules.LoginRule, Time: now, Until: now.Add(time.Hour), Failures: tries,
			})
		}
		var failures []rules.Failure
		for _, addr := range victims {
			for range tries - 1 {
				failures = append(failures, rules.Failure{
					Time: now, Addr: addr, Rule: rules.LoginRule, Place: rules.Place{Offset: int64(len(failures))},
				})
			}
		}
		tx.Record("earlier", "{}", failures)
	})
	return j.Close()
}

// remembered are the addresses of so many bans, in their order.
func remembered(bans int) []netip.Addr { return following("20.0.0.0", bans) }

// victims are addresses that are going to be banned.
func victims(n int) []netip.Addr { return following("30.0.0.0", n) }

// following are the n addresses behind one.
func following(addr string, n int) []netip.Addr {
	next, all := netip.MustParseAddr(addr), make([]netip.Addr, n)
	for i := range all {
		next = next.Next()
		all[i] = next
	}
	return all
}

// until asks again and again, at a pace, until something is so.
func until(ctx context.Context, pace time.Duration, what string, is func() (bool, error)) error {
	const patience = 15 * time.Minute
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("waited %v in vain until %s", patience, what))
	defer cancel()
	for {
		if yes, err := is(); yes || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// Timers of Go are exact to a millisecond only.
		pause := unix.NsecToTimespec(pace.Nanoseconds())
		_ = unix.Nanosleep(&pause, nil)
	}
}
