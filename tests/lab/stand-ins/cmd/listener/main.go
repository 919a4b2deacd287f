// listener stands in for /ghalistener of the scale-set line: it reads its configuration, opens a session with
// GitHub, waits for messages and says in the EphemeralRunnerSet how many runners there shall be.
//
// Not modelled: metrics, vaults.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	path, isSet := os.LookupEnv("LISTENER_CONFIG_PATH")
	if !isSet {
		fmt.Fprintln(os.Stderr, "Error: LISTENER_CONFIG_PATH environment variable is not set")
		os.Exit(1)
	}
	config, err := readConfig(path)
	if err != nil {
		log.Printf("Failed to read config: %v", err)
		os.Exit(1)
	}
	if err := run(ctx, config); err != nil {
		log.Printf("Application returned an error: %v", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config *config) error {
	logger, err := config.logger()
	if err != nil {
		return fmt.Errorf("failed to create logger: %w", err)
	}
	client, err := config.client()
	if err != nil {
		return fmt.Errorf("failed to create actions client: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	session, err := openSession(ctx, client, config.RunnerScaleSetID, host, logger)
	if err != nil {
		return fmt.Errorf("createSession failed: %w", err)
	}
	defer func() {
		// The context has ended where TERM ended it.
		if err := session.close(context.Background()); err != nil {
			logger.Error("failed to delete message session", "error", err)
		}
	}()
	scaler, err := newScaler(config, logger)
	if err != nil {
		return fmt.Errorf("failed to create new kubernetes worker: %w", err)
	}
	err = listen(ctx, session, scaler, logger)
	if errors.Is(err, context.Canceled) {
		// As in the original, TERM is told as an error too.
		logger.Info("ended by a signal")
	}
	return err
}

// newScaler asks the Kubernetes API through the proxy of the environment, as client-go does, unless NO_PROXY says otherwise.
func newScaler(config *config, logger *slog.Logger) (*scaler, error) {
	cluster, err := rest.InClusterConfig()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(cluster)
	if err != nil {
		return nil, err
	}
	return &scaler{client: client, config: config, logger: logger, sequence: -1}, nil
}
