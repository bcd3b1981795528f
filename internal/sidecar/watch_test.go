package sidecar_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"odooban/internal/sidecar"
)

// watched is what Watch made of places, one for each look; the last one stays.
type watched struct {
	Looks int
	// Told has, for each time something was told, how many looks it took, and
	// its negative when blindness was over.
	Told []int
	Err  bool
}

func watch(t *testing.T, places ...sidecar.Place) watched {
	t.Helper()
	var got watched
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute-time.Millisecond)
		defer cancel()
		look := func() (sidecar.Place, error) {
			p := places[min(got.Looks, len(places)-1)]
			got.Looks++
			return p, nil
		}
		err := sidecar.Watch(ctx, look, []uint16{80}, func(blind error) {
			if blind == nil {
				got.Told = append(got.Told, -got.Looks)
				return
			}
			got.Told = append(got.Told, got.Looks)
		}, func(err error) { t.Error(err) })
		got.Err = err != nil
	})
	return got
}

func TestWatch(t *testing.T) {
	host := sidecar.Place{Contained: true, Wide: true}
	own := sidecar.Place{Contained: true}
	proxy := sidecar.Place{Contained: true, Listening: []uint16{80}}
	dead := sidecar.Place{Contained: true, Alone: true, Listening: []uint16{80}}
	for _, tc := range []struct {
		name   string
		places []sidecar.Place
		want   watched
	}{
		{"not in a container", []sidecar.Place{{Alone: true}}, watched{Looks: 1}},
		{"on the host's network", []sidecar.Place{host}, watched{Looks: 1}},
		{"on its own network", []sidecar.Place{own}, watched{Looks: 60, Told: []int{5}}},
		{"on the proxy's network", []sidecar.Place{proxy}, watched{Looks: 6}},
		{"the proxy serves after a while", []sidecar.Place{own, own, own, own, proxy}, watched{Looks: 10}},
		{"the proxy serves late", []sidecar.Place{own, own, own, own, own, own, proxy}, watched{Looks: 13, Told: []int{5, -7}}},
		{"the proxy has stopped", []sidecar.Place{proxy, proxy, dead}, watched{Looks: 12, Err: true}},
		{"the network comes and goes", append(slices.Repeat([]sidecar.Place{dead, dead, dead, dead, own}, 4), proxy), watched{Looks: 24}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, watch(t, tc.places...)); diff != "" {
				t.Errorf("watched (-want +got):\n%s", diff)
			}
		})
	}
}

// Who cannot look says so once, looks again, and ends for nothing that it has not
// seen.
func TestWatchCannotLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := errors.New("wrong")
		looks, warnings := 0, 0
		look := func() (sidecar.Place, error) {
			looks++
			switch {
			case looks%20 != 0:
				return sidecar.Place{}, wrong
			case looks < 60:
				return sidecar.Place{Contained: true}, nil
			}
			return sidecar.Place{}, nil
		}
		tell := func(blind error) { t.Error(blind) }
		warn := func(err error) {
			if warnings++; !errors.Is(err, wrong) {
				t.Error(err)
			}
		}
		if err := sidecar.Watch(t.Context(), look, nil, tell, warn); err != nil || looks != 60 || warnings != 3 {
			t.Errorf("after %d looks and %d warnings: %v", looks, warnings, err)
		}
	})
}
