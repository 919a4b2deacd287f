// Package logging writes what ARC's managers write: lines of tab-separated fields, or JSON.
package logging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Levels of a line, in rising order.
const (
	Debug = iota
	Info
	Warn
	Error
)

var names = [...]string{"debug", "info", "warn", "error"}

// Logger writes lines of one name.
type Logger struct {
	sink   *sink
	name   string
	values []any
}

type sink struct {
	mutex sync.Mutex
	out   io.Writer
	level int
	json  bool
}

// New makes the logger of a manager; level and format are the flags' values.
func New(level, format string) (Logger, error) {
	found := -1
	for index, name := range names {
		if name == level {
			found = index
		}
	}
	if found < 0 {
		return Logger{}, fmt.Errorf("unknown log level %q", level)
	}
	if format != "text" && format != "json" {
		return Logger{}, fmt.Errorf("unknown log format %q", format)
	}
	return Logger{sink: &sink{out: os.Stderr, level: found, json: format == "json"}}, nil
}

// To is a logger for tests.
func To(out io.Writer) Logger {
	return Logger{sink: &sink{out: out, level: Debug}}
}

// WithName adds a part to the name.
func (logger Logger) WithName(name string) Logger {
	if logger.name != "" {
		name = logger.name + "." + name
	}
	logger.name = name
	return logger
}

// With adds pairs of keys and values to every line.
func (logger Logger) With(pairs ...any) Logger {
	logger.values = append(append([]any{}, logger.values...), pairs...)
	return logger
}

// Debug writes a line that only log level debug shows.
func (logger Logger) Debug(message string, pairs ...any) {
	logger.write(Debug, message, pairs, "")
}

// Info writes a line.
func (logger Logger) Info(message string, pairs ...any) {
	logger.write(Info, message, pairs, "")
}

// Error writes a line with its cause and, as the originals do, with the stack.
func (logger Logger) Error(err error, message string, pairs ...any) {
	text := "<nil>"
	if err != nil {
		text = err.Error()
	}
	logger.write(Error, message, append(append([]any{}, pairs...), "error", text), stack())
}

func (logger Logger) write(level int, message string, pairs []any, stack string) {
	if logger.sink == nil || level < logger.sink.level {
		return
	}
	var line bytes.Buffer
	now := time.Now().UTC().Format("2006-01-02T15:04:05Z")
	pairs = append(append([]any{}, logger.values...), pairs...)
	if logger.sink.json {
		fields := []any{"severity", names[level], "ts", now, "logger", logger.name, "message", message}
		if stack != "" {
			pairs = append(pairs, "stacktrace", stack)
		}
		object(&line, append(fields, pairs...), "", "")
	} else {
		line.WriteString(now + "\t" + strings.ToUpper(names[level]))
		if logger.name != "" {
			line.WriteString("\t" + logger.name)
		}
		line.WriteString("\t" + message)
		if len(pairs) > 0 {
			line.WriteString("\t")
			object(&line, pairs, " ", " ")
		}
		if stack != "" {
			line.WriteString("\n" + stack)
		}
	}
	line.WriteString("\n")
	logger.sink.mutex.Lock()
	defer logger.sink.mutex.Unlock()
	_, _ = logger.sink.out.Write(line.Bytes())
}

// object writes pairs as a JSON object in their order.
func object(line *bytes.Buffer, pairs []any, afterColon, afterComma string) {
	line.WriteString("{")
	for index := 0; index+1 < len(pairs); index += 2 {
		if index > 0 {
			line.WriteString("," + afterComma)
		}
		fmt.Fprintf(line, "%s:%s", encoded(fmt.Sprint(pairs[index])), afterColon)
		line.WriteString(encoded(pairs[index+1]))
	}
	line.WriteString("}")
}

func encoded(value any) string {
	if text, ok := value.(fmt.Stringer); ok {
		value = text.String()
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("%q", err.Error())
	}
	return strings.TrimSpace(out.String())
}

// stack is that of the caller of Error.
func stack() string {
	const skipped, deepest = 3, 6
	counters := make([]uintptr, deepest)
	frames := runtime.CallersFrames(counters[:runtime.Callers(skipped, counters)])
	var lines []string
	for {
		frame, more := frames.Next()
		lines = append(lines, fmt.Sprintf("%s\n\t%s:%d", frame.Function, frame.File, frame.Line))
		if !more {
			return strings.Join(lines, "\n")
		}
	}
}
