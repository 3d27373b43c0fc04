// Where a worker says what an operator should know.

export interface Log {
  info(message: string): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
}

/** Lines on standard error, so that a handler's own output is its own. */
export const stderr: Log = {
  info: (message) => console.error(`INFO ${message}`),
  warn: (message, error) => (error === undefined ? console.error(`WARN ${message}`) : console.error(`WARN ${message}`, error)),
  error: (message, error) =>
    error === undefined ? console.error(`ERROR ${message}`) : console.error(`ERROR ${message}`, error),
};
