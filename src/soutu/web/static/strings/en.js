/** All texts, a part of the page a file. */

import detail from "./en/detail.js";
import indexing from "./en/indexing.js";
import models from "./en/models.js";
import review from "./en/review.js";
import search from "./en/search.js";
import shell from "./en/shell.js";
import tags from "./en/tags.js";

export default { ...shell, ...search, ...detail, ...tags, ...review, ...indexing, ...models };
