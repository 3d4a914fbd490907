/** Types for the part of WebAssembly that arctun uses; @types/node has none, and this is not a browser. */
declare namespace WebAssembly {
  class Memory {
    /** Sizes in pages of 64 KiB. */
    constructor(size: { readonly initial: number; readonly maximum: number });
    readonly buffer: ArrayBuffer;
  }

  /** Compiled code. Throws if the processor or V8 does not support an instruction. */
  const Module: new (code: Uint8Array<ArrayBuffer>) => object;

  class Instance {
    constructor(module: object, imports: Record<string, Record<string, Memory>>);
    readonly exports: Readonly<Record<string, (...parameters: readonly number[]) => number>>;
  }
}
