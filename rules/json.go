package rules

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// jsonRecord holds the fields of the JSON forms Odoo's records come in: the
// community formatters' (asctime, pid, levelname, dbname, name, message) and
// what Odoo 19's --log-config can emit (created, process instead of the
// first two).
type jsonRecord struct {
	Asctime string      `json:"asctime"`
	Created json.Number `json:"created"`
	PID     json.Number `json:"pid"`
	Process json.Number `json:"process"`
	Level   string      `json:"levelname"`
	DB      any         `json:"dbname"`
	Logger  string      `json:"name"`
	Message string      `json:"message"`
	Perf    string      `json:"perf_info"`
}

// parseJSON reads a record written as one JSON object. Line ends are escaped
// in it, so the line is the whole record.
func parseJSON(r *record, line []byte, ref time.Time) bool {
	if len(line) < 2 || line[0] != '{' {
		return false
	}
	var j jsonRecord
	if json.Unmarshal(line, &j) != nil || j.Message == "" || !isLogger([]byte(j.Logger)) {
		return false
	}
	when, ok := j.when(ref)
	if !ok {
		return false
	}
	r.when, r.logger, r.msg, r.sealed = when, []byte(j.Logger), []byte(j.Message), true
	r.form, r.writer = jsonForm, writerOf(r.logger)
	r.proc.pid, r.level = j.process(), []byte(j.Level)
	if db, ok := j.DB.(string); ok {
		r.db = []byte(db)
	}
	if r.writer == accessWriter && j.Perf != "" {
		r.msg = []byte(j.Message + " " + strings.TrimSpace(j.Perf))
	}
	return true
}

// when reads the record's moment, out of created before asctime, whose zone
// is the writer's choice.
func (j *jsonRecord) when(ref time.Time) (time.Time, bool) {
	if s, err := j.Created.Float64(); err == nil && s > 0 && s < math.MaxUint32 {
		return time.UnixMilli(int64(math.Floor(s * 1000))).UTC(), true
	}
	return ParseTime([]byte(j.Asctime), ref)
}

// process reads the PID, whatever it is called.
func (j *jsonRecord) process() int32 {
	for _, number := range []json.Number{j.PID, j.Process} {
		if pid, err := number.Int64(); err == nil && pid > 0 && pid < math.MaxInt32 {
			return int32(pid)
		}
	}
	return 0
}
