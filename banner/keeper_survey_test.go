package banner

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"odooban/internal/netnstest"
)

// countless is a kernel that does not tell how many members a set has, as
// before Linux 6.16.
type countless struct{ slowLister }

func (countless) count(context.Context) (int, error) { return -1, nil }

// What was changed while odooban was dead is noticed, and no ban that is due is
// missing, nor does one end early; what others have added is kept.
func TestOpenAdoptsWhatIsDue(t *testing.T) {
	const extra = "192.0.2.9/32"
	due := []string{"198.51.100.0/24", "203.0.113.7/32", "203.0.113.8/32", "2001:db8:1::/64"}
	element := func(verb, rest string) []string {
		return []string{verb, "element", "inet", nftName, "banned4", "{ " + rest + " }"}
	}
	for _, c := range []struct {
		name    string
		changes [][]string // by nft
		// more is in force at last besides what is due.
		more []string
		// ends is when 203.0.113.7 does.
		ends time.Duration
	}{
		{"nothing", nil, nil, time.Hour},
		{"one is missing", [][]string{element("delete", "203.0.113.7")}, nil, time.Hour},
		{"one is missing for another", [][]string{
			element("delete", "203.0.113.7"), element("add", "192.0.2.9 timeout 1h"),
		}, []string{extra}, time.Hour},
		{"all are missing", [][]string{{"flush", "set", "inet", nftName, "banned4"}}, nil, time.Hour},
		{"the table is gone", [][]string{{"delete", "table", "inet", nftName}}, nil, time.Hour},
		{"one more", [][]string{element("add", "192.0.2.9 timeout 1h")}, []string{extra}, time.Hour},
		{"one ends early", [][]string{
			element("delete", "203.0.113.7"), element("add", "203.0.113.7 timeout 1m"),
		}, nil, time.Hour},
		{"one ends late", [][]string{
			element("delete", "203.0.113.7"), element("add", "203.0.113.7 timeout 3h"),
		}, nil, 3 * time.Hour},
		{"one ends late and one is missing", [][]string{
			element("delete", "203.0.113.7, 203.0.113.8"), element("add", "203.0.113.7 timeout 3h"),
		}, nil, 3 * time.Hour},
	} {
		for _, how := range []string{"", ", and nothing is counted", ", and the same goes on"} {
			again := strings.HasSuffix(how, "goes on")
			if again && c.name == "the table is gone" {
				continue // to put it back is Keep's
			}
			t.Run(c.name+how, func(t *testing.T) {
				host := netnstest.New(t, 0).Server
				open := func() *Keeper {
					k, err := openOn(t, host, nftKind.options(webPorts...))
					if err != nil {
						t.Fatal(err)
					}
					return k
				}
				k := open()
				block(t, k, time.Hour, due...)
				for _, change := range c.changes {
					host.Run(t, "nft", change...)
				}
				if again {
					k.Adopt()
				} else {
					k = open()
				}
				if strings.HasSuffix(how, "counted") {
					k.unlisted = countless{k.unlisted}
				}
				block(t, k, time.Hour, due...)
				wantBlocked(t, k, append(slices.Clone(c.more), due...)...)
				if err := k.learnOthers(t.Context()); err != nil || k.unlisted != nil {
					t.Error("not all is known: ", err)
				}
				ends := time.Until(heldOf(t, k.fw, "203.0.113.7/32").Until)
				if off := ends - c.ends; off < -5*time.Second || off > 2*time.Second {
					t.Errorf("it ends in %v, want %v", ends, c.ends)
				}
				host.Run(t, "nft", "delete", "table", "inet", nftName)
				wantMended(t, k)
				wantBlocked(t, k, append(slices.Clone(c.more), due...)...)
			})
		}
	}
}

// One that is missing among many, with another in its place, is found.
func TestWhatIsMissingIsFoundAmongMany(t *testing.T) {
	host := netnstest.New(t, 0).Server
	bans := manyBans(2*sampleSize, 0)
	open := func() *Keeper {
		k, err := openOn(t, host, nftKind.options(webPorts...))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if err := open().Block(t.Context(), bans); err != nil {
		t.Fatal(err)
	}
	host.Run(t, "nft", "delete", "element", "inet", nftName, "banned4", "{ 10.0.0.150 }")
	host.Run(t, "nft", "add", "element", "inet", nftName, "banned4", "{ 192.0.2.9 timeout 1h }")
	k := open()
	for some := range slices.Chunk(bans, sampleSize) {
		if err := k.Block(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.learnOthers(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(blocked(t, k)); n != len(bans)+1 {
		t.Errorf("%d in force, want %d", n, len(bans)+1)
	}
}

// What was ended while all was listed is not learned.
func TestWhatWasEndedIsNotLearned(t *testing.T) {
	k, err := openOn(t, netnstest.New(t, 0).Server, nftKind.options(webPorts...))
	if err != nil {
		t.Fatal(err)
	}
	block(t, k, time.Hour, "203.0.113.7/32", "203.0.113.8/32")
	seen, err := k.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unblock(t, k, "203.0.113.7/32")
	if err := k.learnNew(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	wantKnown(t, k, "203.0.113.8/32")
}

// Listing ends with its context.
func TestListingIsBrokenOff(t *testing.T) {
	fw := nftKind.bare(t, netnstest.New(t, 0).Server, webPorts...)
	block(t, fw, time.Hour, "203.0.113.7/32")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fw.List(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	wantBlocked(t, fw, "203.0.113.7/32")
}

func wantKnown(t *testing.T, k *Keeper, want ...string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	var got []string
	for _, p := range k.known.after(time.Now()) {
		got = append(got, p.String())
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("known: %v, want %v", got, want)
	}
}

// slow is a fake that lists slowly.
type slow struct {
	fake
	countless
	mute atomic.Bool
}

var errMute = errors.New("the kernel does not answer")

func (f *slow) find(ctx context.Context, prefixes []netip.Prefix) ([]Ban, error) {
	bans, err := f.List(ctx)
	return slices.DeleteFunc(bans, func(b Ban) bool { return !slices.Contains(prefixes, b.Prefix) }), err
}

func (f *slow) List(ctx context.Context) ([]Ban, error) {
	if f.mute.Load() {
		return nil, errMute
	}
	return f.fake.List(ctx)
}

// counting is a kernel that counts and then may not answer.
type counting struct {
	slow
	members int
}

func (f *counting) count(context.Context) (int, error) { return f.members, nil }

func (f *counting) missing(ctx context.Context, _ []netip.Prefix) (int, error) {
	_, err := f.List(ctx)
	return 0, err
}

// Nothing is taken to be in force because the kernel did not say that it is not.
func TestWhatIsNotAnsweredIsNotAdopted(t *testing.T) {
	f := &counting{members: 1}
	k := newKeeper("fake", f)
	k.unlisted = f
	f.mute.Store(true)
	bans := []Ban{{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Until: time.Now().Add(time.Hour)}}
	if err := k.Block(t.Context(), bans); !errors.Is(err, errMute) {
		t.Errorf("error is %v", err)
	}
	f.mute.Store(false)
	f.members = 0
	block(t, k, time.Hour, "203.0.113.7/32")
	wantBlocked(t, k, "203.0.113.7/32")
}

// A second after the start, and until it has worked, the keeper looks for what it
// does not know, and says if it cannot.
func TestKeeperSurveys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(slow)
		block(t, f, time.Hour, "203.0.113.7/32")
		f.mute.Store(true)
		k := newKeeper("fake", f)
		k.unlisted = f
		ctx, stop := context.WithCancel(t.Context())
		var told reports
		done := make(chan error)
		go func() { done <- k.Keep(ctx, told.add) }()
		time.Sleep(keepEvery + surveyAfter/2)
		wantKnown(t, k)
		if all := told.list(); len(all) != 1 || !errors.Is(all[0].Err, errMute) {
			t.Errorf("reports: %v", all)
		}
		f.mute.Store(false)
		time.Sleep(surveyAfter)
		wantKnown(t, k, "203.0.113.7/32")
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
