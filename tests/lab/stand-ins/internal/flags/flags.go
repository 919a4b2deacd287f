package flags

import (
	"flag"
	"strings"
	"time"

	"arc-setup/tests/lab/stand-ins/internal/release"
)

// Options are the flags as given.
type Options struct {
	set *flag.FlagSet
}

// New makes the flag set of a release. What it does with a wrong flag is the caller's choice.
func New(program string, version release.Version, handling flag.ErrorHandling) Options {
	set := flag.NewFlagSet(program, handling)
	for _, row := range table {
		if row.exists(version) {
			row.declare(set)
		}
	}
	return Options{set}
}

// Parse reads the arguments, without the program's name.
func (options Options) Parse(arguments []string) error {
	return options.set.Parse(arguments)
}

func (r row) declare(set *flag.FlagSet) {
	switch r.kind {
	case text:
		set.String(r.name, r.value.(string), r.usage)
	case boolean:
		set.Bool(r.name, r.value.(bool), r.usage)
	case integer:
		set.Int(r.name, r.value.(int), r.usage)
	case integer64:
		set.Int64(r.name, r.value.(int64), r.usage)
	case duration:
		set.Duration(r.name, r.value.(time.Duration), r.usage)
	case list:
		set.Var(&values{}, r.name, r.usage)
	case commaList:
		set.Var(&values{separator: ","}, r.name, r.usage)
	}
}

// values collects a flag that may be repeated.
type values struct {
	separator string
	items     []string
}

func (v *values) String() string {
	return strings.Join(v.items, ",")
}

func (v *values) Get() any {
	return v.items
}

func (v *values) Set(value string) error {
	parts := []string{value}
	if v.separator != "" {
		parts = strings.Split(value, v.separator)
	}
	for _, part := range parts {
		if part != "" || v.separator == "" {
			v.items = append(v.items, part)
		}
	}
	return nil
}

// get is the value of a flag, or the type's zero where the release has no such flag.
func get[T any](options Options, name string) T {
	var zero T
	found := options.set.Lookup(name)
	if found == nil {
		return zero
	}
	value, _ := found.Value.(flag.Getter).Get().(T)
	return value
}

// Has is true where the release knows the flag.
func (options Options) Has(name string) bool {
	return options.set.Lookup(name) != nil
}

// String is the value of a flag of that kind.
func (options Options) String(name string) string { return get[string](options, name) }

// Bool is the value of a flag of that kind.
func (options Options) Bool(name string) bool { return get[bool](options, name) }

// Int is the value of a flag of that kind.
func (options Options) Int(name string) int { return get[int](options, name) }

// Int64 is the value of a flag of that kind.
func (options Options) Int64(name string) int64 { return get[int64](options, name) }

// Duration is the value of a flag of that kind.
func (options Options) Duration(name string) time.Duration { return get[time.Duration](options, name) }

// Strings are the values of a flag that may be repeated.
func (options Options) Strings(name string) []string { return get[[]string](options, name) }
