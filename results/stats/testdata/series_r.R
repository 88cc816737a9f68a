# Reference values for trends, from R's cor.test.
# Run as: Rscript series_r.R > series_r.json
suppressMessages(library(jsonlite))
cases <- list()
add <- function(f, args, want) cases[[length(cases) + 1]] <<- list(f = unbox(f), args = as.numeric(args), want = as.numeric(want))
for (y in list(c(2, 2, 2, 3, 3, 2, 4, 4, 3, 5, 5, 5), c(1, 3, 2, 2, 5, 4, 4, 8, 7, 9, 9, 12, 10))) {
  k <- suppressWarnings(cor.test(seq_along(y), y, method = "kendall", exact = FALSE, continuity = TRUE))
  add("mann_kendall", c(length(y), y), k$p.value)
}
for (y in list(c(5, 3, 4, 6, 8, 7, 9), sin(1:30) + (1:30) / 20)) {
  k <- cor.test(seq_along(y), y, method = "kendall", exact = TRUE)
  add("mann_kendall", c(length(y), y), k$p.value)
}
cat(toJSON(list(source = unbox(R.version.string), cases = cases), auto_unbox = FALSE, digits = NA), "\n")
