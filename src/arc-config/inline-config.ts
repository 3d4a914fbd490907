/** The name that messages use for an inline configuration. */
export const INLINE_CONFIG = 'the inline configuration';
