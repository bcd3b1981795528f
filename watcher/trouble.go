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

// trouble tells an Alarm what keeps one source or group from being read.
type trouble struct {
	source string
	alarm  Alarm
	// told is what alarm was told last, if it lasts.
	told string
}

// lasts tells of err, unless that was told.
func (t *trouble) lasts(err error) {
	if text := err.Error(); text != t.told {
		t.told = text
		t.alarm(t.source, err)
	}
}

// over says that there is none any more.
func (t *trouble) over() {
	if t.told != "" {
		t.told = ""
		t.alarm(t.source, nil)
	}
}

// loss tells of lines that are missing.
func (t *trouble) loss(err error) { t.alarm(t.source, &LossError{err}) }
