/** Calls between threads, each with one reply, over a channel that copies values. */
import type { MessageChannel } from '../../ports/message-channel.js';
import { errorFrom, type PortableError, portableError } from './portable-error.js';

/** The types of each operation's argument and result, by name. */
export type Operations = Record<string, { readonly argument: unknown; readonly answer: unknown }>;

interface Call {
  readonly id: number;
  readonly operation: string;
  readonly argument: unknown;
}

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PortableError };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Caller<Known extends Operations> {
  readonly #channel: MessageChannel;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #ended: Error | undefined;

  constructor(channel: MessageChannel) {
    this.#channel = channel;
    channel.onMessage((message) => this.#answered(message as Reply));
    channel.onEnd((error) => {
      this.#ended = error;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  /** @throws the error that the other thread throws, or the error that ended the other thread */
  call<Name extends keyof Known & string>(
    operation: Name,
    argument: Known[Name]['argument'],
  ): Promise<Known[Name]['answer']> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const call: Call = { id: ++this.#lastId, operation, argument };
    return new Promise((resolve, reject) => {
      this.#waiting.set(call.id, { resolve, reject });
      this.#channel.post(call);
    });
  }

  #answered(answer: Reply): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(errorFrom(answer.error));
    else waiting?.resolve(answer.value);
  }
}

export function answerCalls<Known extends Operations>(
  channel: MessageChannel,
  operations: {
    readonly [Name in keyof Known]: (
      argument: Known[Name]['argument'],
    ) => Known[Name]['answer'] | Promise<Known[Name]['answer']>;
  },
): void {
  const answer = async ({ id, operation, argument }: Call): Promise<Reply> => {
    try {
      return { id, value: await operations[operation as keyof Known](argument) };
    } catch (error) {
      return { id, error: portableError(error) };
    }
  };
  channel.onMessage((message) => {
    void answer(message as Call).then((answered) => channel.post(answered));
  });
}
