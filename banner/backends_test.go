package banner

import (
	"context"
	"net/netip"
	"testing"

	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

// kind is one backend as the tests use it.
type kind struct {
	name, backend string
	// iptables and ip6tables are the commands of the variant.
	iptables, ip6tables string
}

var kinds = []kind{
	{"ipset nft", "ipset", "iptables-nft", "ip6tables-nft"},
	{"ipset legacy", "ipset", "iptables-legacy", "ip6tables-legacy"},
	{"nftables", "nftables", "iptables-nft", "ip6tables-nft"},
	{"capped nft", "iptables", "iptables-nft", "ip6tables-nft"},
	{"capped legacy", "iptables", "iptables-legacy", "ip6tables-legacy"},
}

// eachBackend runs a test with all backends that the kernel enforces.
func eachBackend(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			testrequire.Command(t, k.iptables)
			test(t, k)
		})
	}
}

// options are those of the backend, for these ports.
func (k kind) options(ports ...uint16) Options {
	return Options{Backend: k.backend, Ports: ports, IPTables: k.iptables, IP6Tables: k.ip6tables}
}

// bare sets a backend up on the host, without a keeper.
func (k kind) bare(t testing.TB, host *netnstest.Host, ports ...uint16) backend {
	t.Helper()
	for _, r := range ladder() {
		if r.name != k.backend {
			continue
		}
		var b backend
		err := host.Do(func() (err error) {
			b, err = r.open(t.Context(), k.options(ports...))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		return inside{host, b}
	}
	t.Fatalf("no backend %s", k.backend)
	return nil
}

// inside is a backend that works on a host, wherever it is called: those that
// run iptables work in the namespace of the calling thread.
type inside struct {
	host *netnstest.Host
	backend
}

func (i inside) Repair(ctx context.Context) (found []string, err error) {
	err = i.host.Do(func() (err error) {
		found, err = i.backend.Repair(ctx)
		return err
	})
	return found, err
}

func (i inside) Block(ctx context.Context, bans []Ban) error {
	return i.host.Do(func() error { return i.backend.Block(ctx, bans) })
}

func (i inside) Unblock(ctx context.Context, prefixes []netip.Prefix) error {
	return i.host.Do(func() error { return i.backend.Unblock(ctx, prefixes) })
}

func (i inside) List(ctx context.Context) (bans []Ban, err error) {
	err = i.host.Do(func() (err error) {
		bans, err = i.backend.List(ctx)
		return err
	})
	return bans, err
}

func (i inside) held(ctx context.Context) (all []Held, err error) {
	err = i.host.Do(func() (err error) {
		all, err = i.backend.held(ctx)
		return err
	})
	return all, err
}

func (i inside) dropped(ctx context.Context) (n uint64, err error) {
	err = i.host.Do(func() (err error) {
		n, err = i.backend.dropped(ctx)
		return err
	})
	return n, err
}

func (i inside) Remove(ctx context.Context) error {
	return i.host.Do(func() error { return i.backend.Remove(ctx) })
}

// expire ends what the kernel does not end by itself.
func (i inside) expire(ctx context.Context) error {
	return i.host.Do(func() error {
		if e, ok := i.backend.(expirer); ok {
			return e.expire(ctx)
		}
		return nil
	})
}

func isCapped(fw Firewall) bool {
	i, ok := fw.(inside)
	if !ok {
		return false
	}
	_, ok = i.backend.(expirer)
	return ok
}

// keep runs a keeper on the host until the test ends and returns what it
// reports.
func keep(t *testing.T, host *netnstest.Host, k *Keeper) <-chan Mended {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	reports := make(chan Mended, 100)
	done := make(chan error, 1)
	go func() {
		done <- host.Do(func() error {
			return k.Keep(ctx, func(m Mended) { reports <- m })
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("keep: %v", err)
		}
	})
	return reports
}
