package own

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"odooban/internal/netnstest"
)

// TestWatch lets networks of containers come and go.
func TestWatch(t *testing.T) {
	host := netnstest.New(t, 1).Clients[0]
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan []Prefix)
	ended := make(chan error, 1)
	go func() {
		ended <- host.Do(func() error {
			Watch(ctx, func(own []Prefix, err error) {
				if err != nil {
					t.Error(err)
				}
				select {
				case told <- own:
				case <-ctx.Done():
				}
			})
			return nil
		})
	}()
	network := Prefix{netip.MustParsePrefix("172.20.0.0/16"), "containers on br-0123"}
	await := func(want bool) {
		t.Helper()
		for slices.Contains(<-told, network) != want {
		}
	}
	await(false)
	host.Run(t, "ip", "link", "add", "br-0123", "type", "bridge")
	host.Run(t, "ip", "addr", "add", "172.20.0.1/16", "dev", "br-0123")
	await(true)
	host.Run(t, "ip", "link", "del", "br-0123")
	await(false)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
