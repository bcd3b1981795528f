package banner

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"odooban/internal/netnstest"
)

// without runs f in a thread that does without a capability meanwhile.
func without(capability int, f func() error) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var had [2]unix.CapUserData
	if err := unix.Capget(&header, &had[0]); err != nil {
		return err
	}
	less := had
	less[capability/32].Effective &^= 1 << (capability % 32)
	if err := unix.Capset(&header, &less[0]); err != nil {
		return err
	}
	err := f()
	return errors.Join(err, unix.Capset(&header, &had[0]))
}

// TestOpenWithoutNetRaw is how the service opens its firewall: what needs one
// capability alone comes first, and there is nothing to warn of.
func TestOpenWithoutNetRaw(t *testing.T) {
	var k *Keeper
	err := netnstest.New(t, 0).Server.Do(func() error {
		return without(unix.CAP_NET_RAW, func() (err error) {
			k, err = Open(t.Context(), Options{})
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if k.Name() != "nftables" || len(k.Notes()) > 0 {
		t.Errorf("it took %s, with notes %v", k.Name(), k.Notes())
	}
}
