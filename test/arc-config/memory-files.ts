import { FileError, type Files, type InspectedText } from '../../src/ports/files.js';

/** Files in memory; every call is recorded, and can be made to fail. */
export class MemoryFiles implements Files {
  readonly texts = new Map<string, string>();
  readonly bytes = new Map<string, Uint8Array>();
  readonly calls: string[] = [];
  /** `replaceText /home/arc.json` → the error that it throws. */
  readonly failures = new Map<string, Error>();
  /** The result of `inspectText` for a path, other than its text. */
  readonly inspections = new Map<string, Partial<InspectedText>>();
  /** Called with each recorded call, before it takes effect. */
  onCall: (call: string) => void = () => undefined;

  readText(path: string): Promise<string> {
    return this.#perform('readText', path, () => {
      const text = this.texts.get(this.absolute(path));
      if (text === undefined) throw new FileError('absent', path, 'no such file');
      return text;
    });
  }

  async inspectText(path: string): Promise<InspectedText> {
    const text = await this.readText(path);
    return {
      text,
      otherWriters: [],
      readableMode: undefined,
      ...this.inspections.get(this.absolute(path)),
    };
  }

  proveWritable(path: string): Promise<void> {
    return this.#perform('proveWritable', path, () => undefined);
  }

  replaceText(path: string, text: string): Promise<void> {
    return this.#perform('replaceText', path, () => {
      this.texts.set(this.absolute(path), text);
    });
  }

  createBytes(path: string, bytes: Uint8Array): Promise<void> {
    return this.#perform('createBytes', path, () => {
      this.bytes.set(this.absolute(path), bytes);
    });
  }

  remove(path: string): Promise<void> {
    return this.#perform('remove', path, () => {
      this.texts.delete(this.absolute(path));
    });
  }

  createFolder(folder: string): Promise<void> {
    return this.#perform('createFolder', folder, () => undefined);
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#perform('list', folder, () => {
      const prefix = `${this.absolute(folder)}/`;
      return [...this.texts.keys()]
        .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
        .map((path) => path.slice(prefix.length));
    });
  }

  absolute(path: string): string {
    return path.startsWith('/') ? path : `/home/${path}`;
  }

  async #perform<T>(name: string, path: string, act: () => T): Promise<T> {
    await Promise.resolve();
    const call = `${name} ${this.absolute(path)}`;
    this.calls.push(call);
    this.onCall(call);
    const failure = this.failures.get(call);
    if (failure !== undefined) throw failure;
    return act();
  }
}
