/** How much is logged, and in what form. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
}
