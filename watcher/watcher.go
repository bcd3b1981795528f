// Package watcher is what all sources of log lines promise: to hand on each line
// exactly once and in order, whatever stands in it. Each kind of source is a package
// below it: tailfile follows files through their rotation, docker containers, journald
// units of systemd, lines standard input; finished reads files that nobody writes to
// any more.
//
// A line ends at "\n" alone; one "\r" before it is taken off, everything else
// (NUL, broken UTF-8) passes through. Of a line longer than 1 MiB the first
// and the last 512 KiB are handed on, joined; the middle is skipped and
// counted. What has no end yet is not a line: a followed file never hands on
// half a line, as half an address is another address. Only where a source has
// ended for good does what stands there count as its last line.
//
// Two kinds of lines cannot be had by following a file: those that
// copytruncate cuts after it has made its copy, and those of a file that was
// created and deleted before anybody could open it.
package watcher

import (
	"context"
	"time"
)

// Line is one physical line of a source.
type Line struct {
	// Text is the line without its end ("\n" or "\r\n"). It is valid until
	// the Sink's Line method returns.
	Text []byte
	// Seen is when the source was found to hold the line, while it was being
	// written. It is zero for history: what stood in the source before, a replay, a
	// catch-up. Lines that were found by one look at a file have the same, and what
	// comes behind was written after it. Of a unit it is the stamp of journald, for
	// history too; of a container's line it is the engine's, for the last minutes of
	// history too.
	Seen time.Time
	// Stamp is when Docker's engine, or journald, took the line, for history too;
	// zero where nothing did.
	Stamp time.Time
	// Found is how many bytes the look found that found the line, or the read that
	// read it; zero where that is not known.
	Found int64
	// Continues says that a part of the line had been found by the look before.
	Continues bool
	// Place identifies the line within its source, for good. It is zero where
	// the source cannot be read again.
	Place Place
	// Position gives where reading goes on after this line, for File.Resume.
	// It is valid until the Sink's Line method returns, the same function for
	// all lines of a source, and nil where Place is zero.
	Position func() []byte
}

// Place says where a line begins. It stays the same when the file is renamed,
// copied or compressed, and when the line is read again.
type Place struct {
	// Generation tells this file from those that had its name before and have
	// it later: a fingerprint of its first line, and a number that tells it
	// from those before it that began with the same line. Device, inode and
	// birth time would not do: copies and compressed files have others.
	Generation string
	// Offset is in bytes from the start of the generation.
	Offset int64
}

// Sink takes what a Source reads. Its methods are called from one goroutine,
// one at a time; an error ends the Source with that error.
type Sink interface {
	// Line takes the next line.
	Line(Line) error
	// Settled says that everything written up to now has been read, and that
	// nothing more has come for SettleTime. It is called once after the last
	// line, not again until another line has come.
	Settled(now time.Time) error
}

// Skimmer is a Sink that takes many lines at once, where that is all the same: that
// is much faster where most of them tell nothing.
type Skimmer interface {
	Sink
	// Skim takes the next lines, which are history.
	Skim(Lines) error
}

// Lines are lines of history that stand one behind the other.
type Lines struct {
	// Text is whole lines, each with its end. It is valid until Skim returns.
	Text []byte
	// Place identifies the first line, as of Line.
	Place Place
	// Position gives where reading goes on after the last of them, as of Line.
	Position func() []byte
}

// SettleTime is how long a source must have been at its end before it is
// called settled. A log record is one write, so by then all lines of the
// last record have been read.
const SettleTime = 10 * time.Millisecond

// Source is where lines come from.
type Source interface {
	// Name says which source this is, to people.
	Name() string
	// Follow hands every line to sink until ctx ends (it returns nil then) or
	// the source has ended for good.
	Follow(ctx context.Context, sink Sink) error
}

// Group is a changing set of sources, such as the files that match a pattern.
type Group interface {
	// Name says which group this is, to people.
	Name() string
	// Run calls start for every source of the group, those there are now and
	// those that come later, until ctx ends (it returns nil then). start must
	// not wait for the source to end: it follows it in a goroutine of its own,
	// with its own Sink. It says whether it does: a source of that name may not
	// have come to its end yet.
	Run(ctx context.Context, start func(Source) bool) error
}
