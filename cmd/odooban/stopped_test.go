package main

import (
	"bytes"
	"strings"
	"testing"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/netnstest"
)

// Who stops odooban reads how long bans last: no kernel ends those of iptables.
func TestStoppedSaysHowLongBansLast(t *testing.T) {
	host := netnstest.New(t, 0).Server
	for backend, want := range map[string]string{
		banner.BackendNFTables: "until their time",
		banner.BackendIPTables: "until odooban runs again",
	} {
		t.Run(backend, func(t *testing.T) {
			var log bytes.Buffer
			d := &daemon{log: newLogbook(config.Log{Format: "text", Level: "info"}, &log)}
			err := host.Do(func() (err error) {
				d.firewall, err = banner.Open(t.Context(), banner.Options{Backend: backend})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			if d.sayStopped(); !strings.Contains(log.String(), "stopped; bans stay in force "+want) {
				t.Errorf("it says %s", &log)
			}
		})
	}
}
