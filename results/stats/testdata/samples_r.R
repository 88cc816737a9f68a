# Reference values for two samples, from R.
# Run as: Rscript samples_r.R > samples_r.json
suppressMessages(library(jsonlite))
cases <- list()
add <- function(f, args, want) cases[[length(cases) + 1]] <<- list(f = unbox(f), args = as.numeric(args), want = as.numeric(want))
two <- function(a, b, ...) c(length(a), length(b), a, b, ...)

pairs <- list(
  list(c(11.2, 12.5, 13.1, 14.9, 15.3), c(17.4, 18.8, 20.1)),
  list(c(3.1, 4.7, 2.2, 9.9, 5.05, 6.1), c(4.01, 8.8, 7.3, 12.5, 6.15, 20.2)),
  list(c(101.5, 99.1, 120.7, 98.4, 130.2, 111.1, 108.9, 104.3), c(95.2, 97.7, 103.9, 88.1, 99.9, 91.4, 120.9)))
for (p in pairs) for (conf in c(0.9, 0.95)) {
  # The defaults stop at uniroot's tolerance only for the normal case; exact is exact.
  w <- wilcox.test(log(p[[1]]), log(p[[2]]), conf.int = TRUE, conf.level = conf, exact = TRUE)
  add("hodges_lehmann", two(p[[1]], p[[2]], conf), exp(c(w$estimate, w$conf.int)))
}
for (n in c(3, 7, 12)) {
  v <- exp(sin(1:n)); add("median", c(n, v), median(v))
}
cat(toJSON(list(source = unbox(R.version.string), cases = cases),
           auto_unbox = FALSE, digits = NA), "\n")
