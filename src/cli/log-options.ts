/** Options for the log level and log format. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
}
