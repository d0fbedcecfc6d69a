// This peer repeats one operation with Pebble's own Go client: go_client SOCKET OPERATION WARM-UP COUNT [TARGET [SOURCE]].
//
// It prints the lines that ../driver.rs documents.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/canonical/pebble/client"
)

// phases holds the time of each phase of an operation, summed over the measured repetitions.
var phases = map[string]time.Duration{}
var phaseNames []string

func phase(name string, took time.Duration) {
	if _, known := phases[name]; !known {
		phaseNames = append(phaseNames, name)
	}
	phases[name] += took
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Go client:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 4 {
		return fmt.Errorf("needs SOCKET OPERATION WARM-UP COUNT")
	}
	warmUp, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(arguments[3])
	if err != nil {
		return err
	}
	pebble, err := client.New(&client.Config{Socket: arguments[0]})
	if err != nil {
		return err
	}
	once, err := operation(pebble, arguments[1], arguments[4:])
	if err != nil {
		return err
	}
	for range warmUp {
		if err := once(); err != nil {
			return err
		}
	}
	clear(phases)
	phaseNames = nil
	cpu := processTime()
	start := time.Now()
	for range count {
		if err := once(); err != nil {
			return err
		}
	}
	elapsed := time.Since(start)
	fmt.Println("elapsed", elapsed.Nanoseconds())
	fmt.Println("cpu", processTime()-cpu)
	for _, name := range phaseNames {
		fmt.Println("phase", phases[name].Nanoseconds()/int64(count), name)
	}
	return nil
}

func operation(pebble *client.Client, name string, files []string) (func() error, error) {
	switch name {
	case "system-info":
		return func() error {
			_, err := pebble.SysInfo()
			return err
		}, nil
	case "services":
		return func() error {
			services, err := pebble.Services(&client.ServicesOptions{})
			if err == nil && len(services) == 0 {
				return fmt.Errorf("no services")
			}
			return err
		}, nil
	case "plan":
		return func() error {
			_, err := pebble.PlanBytes(&client.PlanOptions{})
			return err
		}, nil
	case "pull":
		return func() error {
			counted := &counter{}
			if err := pebble.Pull(&client.PullOptions{Path: files[0], Target: counted}); err != nil {
				return err
			}
			return sizeIs(files[0], counted.bytes)
		}, nil
	case "push":
		return func() error {
			source, err := os.Open(files[1])
			if err != nil {
				return err
			}
			defer source.Close()
			return pebble.Push(&client.PushOptions{Path: files[0], Source: source})
		}, nil
	case "exec":
		return func() error { return exec(pebble) }, nil
	}
	return nil, fmt.Errorf("no operation %q", name)
}

func exec(pebble *client.Client) error {
	start := time.Now()
	var out, problems bytes.Buffer
	process, err := pebble.Exec(&client.ExecOptions{Command: []string{"/bin/true"}, Stdout: &out, Stderr: &problems})
	if err != nil {
		return err
	}
	connected := time.Now()
	if err := process.Wait(); err != nil {
		return err
	}
	phase("request and websockets connected", connected.Sub(start))
	phase("output ended and change ready", time.Since(connected))
	return nil
}

// counter counts the bytes that are written to it, and drops them.
type counter struct{ bytes int64 }

func (c *counter) Write(chunk []byte) (int, error) {
	c.bytes += int64(len(chunk))
	return len(chunk), nil
}

var _ io.Writer = (*counter)(nil)

func sizeIs(path string, pulled int64) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() != pulled {
		return fmt.Errorf("%d of %d bytes came", pulled, info.Size())
	}
	return err
}

// processTime returns the CPU time of this process, user and system together, in nanoseconds.
func processTime() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
