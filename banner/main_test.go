package banner

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"odooban/internal/netnstest"
	"odooban/internal/testrequire"
)

// trySetUp as the first argument makes the test binary set a firewall up and
// print the error, for tests of what happens without privileges. tryOpen makes
// it open one as the daemon does, ban the first client, and print the name and
// notes, or the error.
const (
	trySetUp = "try-set-up"
	tryOpen  = "try-open"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == trySetUp {
		_, err := prepared(context.Background(), newIPSet, Options{IPTables: os.Args[2], IP6Tables: os.Args[3]})
		fmt.Print(err)
		return
	}
	if len(os.Args) == 5 && os.Args[1] == tryOpen {
		opts := Options{Backend: os.Args[2], IPTables: os.Args[3], IP6Tables: os.Args[4], Ports: webPorts}
		fmt.Print(openAndBan(context.Background(), opts))
		return
	}
	os.Exit(m.Run())
}

func openAndBan(ctx context.Context, opts Options) string {
	fw, err := Open(ctx, opts)
	if err != nil {
		return err.Error()
	}
	var bans []Ban
	for _, f := range families {
		bans = append(bans, Ban{Prefix: netip.MustParsePrefix(f.ban), Until: time.Now().Add(time.Hour)})
	}
	if err := fw.Block(ctx, bans); err != nil {
		return err.Error()
	}
	return fmt.Sprintln(fw.Name(), fw.Notes())
}

// webPorts is what most tests guard.
var webPorts = []uint16{80, 443, 8069, 8072}

// eachVariant runs a test with both variants of iptables.
func eachVariant(t *testing.T, test func(t *testing.T, opts Options)) {
	for _, variant := range []string{"nft", "legacy"} {
		t.Run(variant, func(t *testing.T) {
			opts := Options{Ports: webPorts, IPTables: "iptables-" + variant, IP6Tables: "ip6tables-" + variant}
			testrequire.Command(t, opts.IPTables)
			test(t, opts)
		})
	}
}

// setUp makes a firewall on the host.
func setUp(t testing.TB, host *netnstest.Host, opts Options) *ipSet {
	t.Helper()
	fw, err := trySetUpOn(t, host, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := fw.IPv6(); err != nil {
		t.Fatal(err)
	}
	return fw
}

func trySetUpOn(t testing.TB, host *netnstest.Host, opts Options) (fw *ipSet, err error) {
	t.Helper()
	err = host.Do(func() (err error) {
		fw, err = prepared(t.Context(), newIPSet, opts)
		return err
	})
	if err == nil {
		t.Cleanup(func() { fw.Close() })
	}
	return fw, err
}

func block(t testing.TB, fw Firewall, d time.Duration, prefixes ...string) {
	t.Helper()
	var bans []Ban
	for _, p := range prefixes {
		bans = append(bans, Ban{Prefix: netip.MustParsePrefix(p), Until: time.Now().Add(d)})
	}
	if err := fw.Block(t.Context(), bans); err != nil {
		t.Fatal(err)
	}
}

// blocked returns what is in force, without the times.
func blocked(t testing.TB, fw Firewall) []string {
	t.Helper()
	bans, err := fw.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	prefixes := []string{}
	for _, b := range bans {
		prefixes = append(prefixes, b.Prefix.String())
	}
	return prefixes
}

// mustFail returns the text of an error, which must be one.
func mustFail(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		err = errors.New("no error")
		t.Error(err)
	}
	return err.Error()
}
