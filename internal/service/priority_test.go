package service

import (
	"bytes"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
)

// Each line in the journal has the priority of its event, as text and as JSON.
func TestPrefixed(t *testing.T) {
	text := func(out io.Writer) io.Writer {
		return zerolog.ConsoleWriter{Out: out, NoColor: true, PartsExclude: []string{zerolog.TimestampFieldName, zerolog.LevelFieldName}}
	}
	tests := []struct {
		name   string
		format func(io.Writer) io.Writer
		want   string
	}{
		{"text", text, "<7>tried\n<6>banned prefix=203.0.113.7/32\n<4>first\n<4>second\n<3>no firewall\n"},
		{"JSON", nil, `<7>{"level":"debug","message":"tried"}` + "\n" +
			`<6>{"level":"info","prefix":"203.0.113.7/32","message":"banned"}` + "\n" +
			`<4>{"level":"warn","message":"first\nsecond"}` + "\n" + `<3>{"level":"error","message":"no firewall"}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			log := zerolog.New(NewPrefixed(&out, tt.format))
			log.Debug().Msg("tried")
			log.Info().Str("prefix", "203.0.113.7/32").Msg("banned")
			log.Warn().Msg("first\nsecond")
			log.Error().Msg("no firewall")
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is not standard error is not the journal, whatever the environment says.
func TestToJournal(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "1:1")
	if ToJournal(&bytes.Buffer{}) {
		t.Error("a buffer is taken for the journal")
	}
}
