// What the search needs of the package index, as one script; README.md says how it is made.
export { default as MiniSearch } from "minisearch";
export { default as stemmer } from "wink-porter2-stemmer";
