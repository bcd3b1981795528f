package watcher

// Alarm takes what keeps the source or group of that name from being read: once
// for as long as it lasts, with what to do about it, and nil when it is over. It
// was not the end: reading is tried again. A LossError does not last. It is called
// from the goroutine that follows.
type Alarm func(source string, err error)

// LossError is an error that says that lines are missing, or come again. The source
// can be read.
type LossError struct{ Err error }

func (l *LossError) Error() string { return l.Err.Error() }

func (l *LossError) Unwrap() error { return l.Err }

// Trouble tells an Alarm what keeps one source or group from being read.
type Trouble struct {
	source string
	alarm  Alarm
	// told is what alarm was told last, if it lasts.
	told string
}

// Lasts tells of err, unless that was told.
func (t *Trouble) Lasts(err error) {
	if text := err.Error(); text != t.told {
		t.told = text
		t.alarm(t.source, err)
	}
}

// Over says that there is none any more.
func (t *Trouble) Over() {
	if t.told != "" {
		t.told = ""
		t.alarm(t.source, nil)
	}
}

// Loss tells of lines that are missing.
func (t *Trouble) Loss(err error) { t.alarm(t.source, &LossError{err}) }

// NewTrouble returns that of a source or group, which is none yet.
func NewTrouble(source string, alarm Alarm) Trouble { return Trouble{source: source, alarm: alarm} }

// Stands reports whether there is one.
func (t *Trouble) Stands() bool { return t.told != "" }
