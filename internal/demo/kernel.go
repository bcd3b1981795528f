package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"odooban/internal/netlab"
)

// kernel asks the server's kernel what it does, not odooban.
type kernel struct {
	host *netlab.Host
	sets *netlink.Handle
}

func openKernel(host *netlab.Host) (*kernel, error) {
	k := &kernel{host: host}
	err := host.Do(func() (err error) {
		k.sets, err = netlink.NewHandle(unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the kernel for its sets: %w", err)
	}
	return k, nil
}

func (k *kernel) close() { k.sets.Close() }

// banned lists who is banned now, and how long yet.
func (k *kernel) banned() (map[netip.Prefix]time.Duration, error) {
	all := make(map[netip.Prefix]time.Duration)
	for _, name := range []string{"odooban4", "odooban6"} {
		set, err := k.sets.IpsetList(name)
		if err != nil {
			return nil, fmt.Errorf("list set %s: %w", name, err)
		}
		for _, e := range set.Entries {
			addr, ok := netip.AddrFromSlice(e.IP)
			if !ok || e.Timeout == nil {
				return nil, fmt.Errorf("list set %s: member %v is not as expected", name, e)
			}
			all[netip.PrefixFrom(addr, int(e.CIDR))] = time.Duration(*e.Timeout) * time.Second
		}
	}
	return all, nil
}

// awaitBans waits until the kernel refuses these, and returns since when each.
func (k *kernel) awaitBans(ctx context.Context, prefixes ...netip.Prefix) (map[netip.Prefix]time.Time, error) {
	since := make(map[netip.Prefix]time.Time)
	why := fmt.Errorf("wait for the bans of %v: they are not all in force after %v", prefixes, patience)
	return since, k.await(ctx, why, patience, time.Millisecond/4, func(all map[netip.Prefix]time.Duration) bool {
		missing := 0
		for _, prefix := range prefixes {
			_, now := all[prefix]
			_, known := since[prefix]
			switch {
			case now && !known:
				since[prefix] = time.Now()
			case !now:
				missing++
			}
		}
		return missing == 0
	})
}

// awaitEnd waits until the kernel no longer refuses prefix, and returns since
// when.
func (k *kernel) awaitEnd(ctx context.Context, prefix netip.Prefix, within time.Duration) (time.Time, error) {
	why := fmt.Errorf("wait for the end of the ban of %s: it is still in force after %v", prefix, within)
	err := k.await(ctx, why, within, 5*time.Millisecond, func(all map[netip.Prefix]time.Duration) bool {
		_, ok := all[prefix]
		return !ok
	})
	return time.Now(), err
}

// await looks again and again until the sets are as wanted, or gives up, why.
func (k *kernel) await(ctx context.Context, why error, within, pace time.Duration,
	wanted func(map[netip.Prefix]time.Duration) bool,
) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, why)
	defer cancel()
	again := time.NewTicker(pace)
	defer again.Stop()
	for {
		all, err := k.banned()
		if err != nil || wanted(all) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// rules lists odooban's rules for IPv4, as iptables prints them. They must be
// the first.
func (k *kernel) rules(ctx context.Context, options ...string) ([]string, error) {
	args := append([]string{"-w", "5", "-t", "raw", "-S", "PREROUTING"}, options...)
	cmd := exec.CommandContext(ctx, "iptables", args...)
	var out []byte
	err := k.host.Do(func() (err error) {
		out, err = cmd.CombinedOutput()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	var rules []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "-A ") {
			rules = append(rules, strings.TrimSpace(line))
		}
	}
	others := slices.IndexFunc(rules, func(rule string) bool { return !strings.Contains(rule, "odooban4") })
	if others < 0 {
		others = len(rules)
	}
	if others == 0 {
		return nil, errors.New("look at raw PREROUTING: odooban's rules are not the first there")
	}
	return rules[:others], nil
}

// dropped counts the IPv4 packets that odooban's rules have dropped so far.
func (k *kernel) dropped(ctx context.Context) (int, error) {
	rules, err := k.rules(ctx, "-v")
	if err != nil {
		return 0, err
	}
	total := 0
	for _, rule := range rules {
		_, counters, _ := strings.Cut(rule, " -c ")
		packets, _, _ := strings.Cut(counters, " ")
		n, err := strconv.Atoi(packets)
		if err != nil {
			return 0, fmt.Errorf("read the counters of rule %q: %w", rule, err)
		}
		total += n
	}
	return total, nil
}
