package config

import (
	"path/filepath"
	"slices"
	"time"
)

func buildGrowth(m *mistakes, keys growthKeys) Growth {
	if keys.Factor < 1 {
		m.bad("growth.factor", "%d is too small; write 2 or more, or 1 to turn growth off", keys.Factor)
	}
	g := Growth{Factor: keys.Factor}
	setDuration(m, "growth.cap", &g.Cap, &keys.Cap)
	setDuration(m, "growth.memory", &g.Memory, &keys.Memory)
	return g
}

func buildJournal(m *mistakes, keys journalKeys) Journal {
	if !filepath.IsAbs(keys.Path) {
		m.bad("journal.path", "%s is relative; write the whole path, like /var/lib/odooban/odooban.db", quote(keys.Path))
	}
	j := Journal{Path: keys.Path}
	setDuration(m, "journal.keep", &j.Keep, &keys.Keep)
	return j
}

// checkGrowth reports lengths that do not fit each other, at the one that was
// written. Without growth nothing depends on them.
func checkGrowth(m *mistakes, c *Config, entries []jailEntry) {
	if c.Growth.Factor <= 1 {
		return
	}
	for _, j := range c.Jails {
		if j.Enabled && j.BanTime > c.Growth.Cap {
			checkCap(m, j, c.Growth.Cap, entries)
		}
	}
	keep, memory := FormatDuration(c.Journal.Keep), FormatDuration(c.Growth.Memory)
	switch {
	case c.Journal.Keep >= c.Growth.Memory:
	case m.written("journal.keep"):
		m.bad("journal.keep", "%s is less than growth.memory, %s; write %s or more", quote(keep), memory, memory)
	default:
		m.bad("growth.memory", "%s is more than journal.keep, %s; write %s or less, or journal: {keep: %s}",
			quote(memory), keep, keep, memory)
	}
}

// checkCap reports that the bans of j are longer than bans may grow.
func checkCap(m *mistakes, j Jail, longest time.Duration, entries []jailEntry) {
	limit, banTime := FormatDuration(longest), FormatDuration(j.BanTime)
	if m.written("growth.cap") {
		m.bad("growth.cap", "%s is less than the bantime of %s, %s; write %s or more", quote(limit), j.Rule, banTime, banTime)
		return
	}
	i := slices.IndexFunc(entries, func(e jailEntry) bool { return e.Rule == j.Rule })
	m.bad(entryPath("jails", i)+".bantime", "%s is more than growth.cap, %s; write %s or less, or growth: {cap: %s}",
		quote(banTime), limit, limit, banTime)
}

// written reports whether the file or a variable gives the value at path.
func (m *mistakes) written(path string) bool {
	_, ok := m.places[path]
	return ok
}
