// `same<A, B>()` compiles only if A and B are one type; unlike an assignment, it also tells `any` from the rest.

export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export function same<A, B>(...proof: Same<A, B> extends true ? [] : ['not the same type']): void;
