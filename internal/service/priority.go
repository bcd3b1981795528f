package service

import (
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/rs/zerolog"
)

// ToJournal reports whether what is written to w goes to systemd's journal: w is
// standard error, and that is what JOURNAL_STREAM names.
func ToJournal(w io.Writer) bool {
	if file, ok := w.(*os.File); !ok || file.Fd() != os.Stderr.Fd() {
		return false
	}
	is, err := journal.StderrIsJournalStream()
	return is && err == nil
}

// Prefixed writes lines to the journal with their priority, as sd-daemon(3) has it.
type Prefixed struct {
	out io.Writer
	// format makes text of a JSON event, or is nil.
	format func(out io.Writer) io.Writer
}

// NewPrefixed returns a writer to the journal at out. format gives the writer that
// makes text of events; without it they stay as they are.
func NewPrefixed(out io.Writer, format func(io.Writer) io.Writer) *Prefixed {
	return &Prefixed{out, format}
}

// Write writes an event of unknown level.
func (p *Prefixed) Write(event []byte) (int, error) { return p.WriteLevel(zerolog.InfoLevel, event) }

// WriteLevel writes an event: each of its lines is one of the journal's.
func (p *Prefixed) WriteLevel(level zerolog.Level, event []byte) (int, error) {
	text := event
	if p.format != nil {
		var b bytes.Buffer
		if _, err := p.format(&b).Write(event); err != nil {
			return 0, err
		}
		text = b.Bytes()
	}
	if _, err := io.WriteString(p.out, Prefix(level, string(text))); err != nil {
		return 0, err
	}
	return len(event), nil
}

// Prefix puts the priority of a level before each line of a text.
func Prefix(level zerolog.Level, text string) string {
	priority := "<6>"
	switch level {
	case zerolog.TraceLevel, zerolog.DebugLevel:
		priority = "<7>"
	case zerolog.WarnLevel:
		priority = "<4>"
	case zerolog.ErrorLevel, zerolog.FatalLevel, zerolog.PanicLevel:
		priority = "<3>"
	}
	return priority + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+priority) + "\n"
}
