package arch

import (
	"os"
	"slices"
	"testing"
)

// module is the path of our module, the beginning of every import of our own.
const module = "odooban"

// everywhere is the folder of a law that holds in all packages.
const everywhere = "."

// clock is how package time tells the time or lets it pass. What asks none of these gives live and in a replay the same
// answers.
var clock = []string{
	"time.Now", "time.Since", "time.Until", "time.Sleep",
	"time.After", "time.AfterFunc", "time.NewTimer", "time.NewTicker", "time.Tick",
}

// loggers make or hold a logger; in a package variable it would be a global one.
var loggers = []string{
	"log.Default", "log.Logger", "log.New",
	"log/slog.Default", "log/slog.Logger", "log/slog.New", "log/slog.With",
	"github.com/rs/zerolog.Logger", "github.com/rs/zerolog.New", "github.com/rs/zerolog.Nop",
}

// framing is the only package beside those of rules that some of these import.
const framing = module + "/watcher/framing"

// layer is the law of a package of rules, and of those below it that it may import.
func layer(name, why string, below ...string) law {
	l := law{in: "rules/" + name, never: []string{module}, why: why}
	for _, b := range below {
		l.may = append(l.may, module+"/rules/"+b)
	}
	switch name {
	case "record", "odoo", "order", "ledger", "traefik":
		l.may = append(l.may, framing)
	}
	return l
}

// source is the law of a package that follows one kind of source, and of those below watcher that it may import.
func source(name string, others ...string) law {
	l := law{in: "watcher/" + name, why: "each kind of source stands by itself"}
	for _, other := range []string{"docker", "journald", "tailfile", "finished", "lines", "content", "rotated", "framing", "tailing"} {
		if other != name && !slices.Contains(others, other) {
			l.never = append(l.never, module+"/watcher/"+other)
		}
	}
	return l
}

// laws are the table that our packages keep to.
var laws = []law{
	{
		in:    "watcher",
		never: []string{module},
		may:   []string{"odooban/internal/backoff"},
		why:   "watcher hands on lines and knows no package of ours but backoff",
	},
	source("docker", "lines"),
	source("journald", "lines"),
	source("finished", "lines", "content"),
	source("tailfile", "lines", "content", "rotated", "tailing"),
	source("tailing"),
	{
		in:    "rules",
		never: []string{module, "os", "net/http"},
		may:   []string{framing},
		uses:  clock,
		why:   "rules turns bytes into failures: no files, no network, no clock, no package of ours but framing",
	},
	{
		in:    "watcher/framing",
		never: []string{module, "os"},
		uses:  clock,
		why:   "framing takes lines out of their frames: no files, no clock, no package of ours",
	},
	layer("record", "record reads headers, whatever they say"),
	layer("route", "route knows paths, and nothing of ours"),
	layer("search", "search finds bytes, and knows no rule"),
	layer("batch", "batch knows when lines came, and not what they say"),
	layer("odoo", "odoo says what a line tells, and not whether it is true", "record", "route"),
	layer("order", "order knows the times of lines, and not what they accuse", "odoo"),
	layer("ledger", "ledger judges events, whoever read them", "odoo", "order", "batch", "route"),
	layer("traefik", "traefik reads lines of Traefik's, and knows no other log", "record", "route"),
	layer("pattern", "pattern matches lines of any log", "record", "search"),
	{
		in:    "banner",
		never: []string{"odooban/rules", "odooban/internal/jail", "odooban/internal/store"},
		why:   "banner keeps prefixes away and does not ask why",
	},
	{
		in:    "banner/nfnetlink",
		never: []string{module},
		why:   "nfnetlink carries requests, and knows no ban",
	},
	{
		in:    "internal/window",
		never: []string{module},
		uses:  clock,
		why:   "window counts by the times it is given: no clock, no package of ours",
	},
	{
		in:    "internal/jail",
		never: []string{"odooban/watcher", "odooban/banner", "odooban/internal/store"},
		uses:  clock,
		why:   "jail is policy alone: no clock, no lines, no firewall, no store",
	},
	{
		in:    "internal/once",
		never: []string{module},
		may:   []string{"odooban/rules"},
		uses:  clock,
		why:   "once knows attempts by what they are, whoever reads and keeps them: no clock",
	},
	{
		in:    "internal/backoff",
		never: []string{module},
		uses:  clock,
		why:   "backoff says how long to wait, and does not wait: no clock, no package of ours",
	},
	{
		in:    "internal/own",
		never: []string{"odooban/banner", "odooban/rules", "odooban/watcher", "odooban/internal/jail", "odooban/internal/config"},
		why:   "own asks the kernel what this host lives on, and sidecar whether it is a host, whatever that is asked for",
	},
	{
		in:    "internal/finding",
		never: []string{module},
		uses:  clock,
		why:   "finding is a catalogue: who raises a finding stands above it",
	},
	{
		in:    "internal/checkup",
		never: []string{"odooban/internal/doctor", "odooban/internal/config", "odooban/banner", "odooban/watcher", "odooban/rules"},
		uses:  clock,
		why:   "checkup makes anybody's checks, and knows nothing of what they look at",
	},
	{
		in:    "internal/printable",
		never: []string{module},
		why:   "printable writes anybody's text, and knows nobody",
	},
	{
		in:    "internal/bounded",
		never: []string{module},
		why:   "bounded counts connections, whatever is said on them",
	},
	{
		in:    "internal/doctor",
		never: []string{"github.com/spf13/viper", "github.com/spf13/cobra", "database/sql"},
		why:   "doctor looks and tells: commands, configuration files and SQL belong to others",
	},
	{
		in:    "internal/store",
		never: []string{"odooban/internal/engine"},
		why:   "store stands below the engine",
	},
	{
		in: "internal/engine",
		never: []string{
			"github.com/spf13/viper", "github.com/spf13/cobra", "github.com/prometheus",
			"database/sql", "modernc.org/sqlite", "github.com/mattn/go-sqlite3", "github.com/ncruces/go-sqlite3",
			"zombiezen.com/go/sqlite", "github.com/docker", "github.com/moby",
		},
		why: "engine is the pipeline: configuration, commands, metrics, SQL and Docker belong to the edges",
	},
	{
		in:    "internal/control",
		never: []string{"github.com/spf13/cobra", "database/sql", "github.com/prometheus"},
		why:   "control answers for engine, firewall and journal, and knows no command",
	},
	{
		in: "internal/replay",
		never: []string{
			"github.com/coreos/go-iptables", "github.com/vishvananda/netlink", "github.com/google/nftables",
		},
		why: "replay touches no netfilter",
	},
	{
		in:    "internal/sidecar",
		never: []string{module, "github.com/docker", "github.com/moby"},
		why:   "sidecar tells from the kernel where it stands, whatever engine runs it, and knows no package of ours",
	},
	{
		in:    "internal/service",
		never: []string{module},
		why:   "service speaks with systemd for whatever has parts: no package of ours",
	},
	{
		in:     everywhere,
		except: "internal/config",
		never:  []string{"github.com/spf13/viper"},
		why:    "internal/config is the only one to know viper",
	},
	{
		in:     everywhere,
		except: "internal/metrics",
		never:  []string{"github.com/prometheus"},
		why:    "internal/metrics is the only one to know Prometheus",
	},
	{
		in:     everywhere,
		except: "internal/store",
		never:  []string{"modernc.org/sqlite"},
		why:    "internal/store is the only one to know SQLite",
	},
	{
		in:     everywhere,
		except: "internal/service",
		never:  []string{"github.com/coreos/go-systemd"},
		why:    "internal/service is the only one to know systemd's library",
	},
	{
		in:    everywhere,
		never: []string{"odooban/cmd"},
		why:   "commands are the top: nothing imports them",
	},
	{
		in:    everywhere,
		never: []string{"github.com/rs/zerolog/log"},
		vars:  loggers,
		init:  true,
		why:   "no package state: no init function, no global logger",
	},
}

func TestTree(t *testing.T) {
	broken, err := check(os.DirFS("../.."), laws)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}
