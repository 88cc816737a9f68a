# Reference values for penalised and exact logistic regression, from R.
# Run as: Rscript logistic.R > logistic.json
# Arguments: trials, covariates, the covariates row by row, the outcomes, and
# for exact cases which covariate (from 0).
suppressMessages({library(jsonlite); library(brglm)})
cases <- list()
add <- function(f, args, want) cases[[length(cases) + 1]] <<- list(f = unbox(f), args = as.numeric(args), want = as.numeric(want))
inf <- function(x) ifelse(x == Inf, 1e300, ifelse(x == -Inf, -1e300, x))
expand <- function(x, y) c(nrow(x), ncol(x), t(x), y)

# Firth's penalised likelihood from its definition; the estimates are brglm's,
# the profile's ends by a fit under every trial value.
penalised <- function(b, X, y) {
  eta <- X %*% b; p <- plogis(eta)
  sum(y * eta - log1p(exp(eta))) + 0.5 * as.numeric(determinant(t(X) %*% (X * as.vector(p * (1 - p))))$modulus)
}
profile_at <- function(j, v, b, X, y) {
  if (ncol(X) == 1) return(penalised(v, X, y))
  f <- function(o) { full <- b; full[-j] <- o; full[j] <- v; penalised(full, X, y) }
  o <- b[-j]
  for (i in 1:6) o <- if (length(o) == 1) optim(o, f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 5000))$par
    else optim(optim(o, f, control = list(fnscale = -1, reltol = 1e-15, maxit = 5000))$par, f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 5000))$par
  f(o)
}
firth <- function(x, y) {
  m <- suppressWarnings(brglm(y ~ x, family = binomial, control.brglm = brglm.control(br.epsilon = 1e-12, br.maxit = 5000)))
  b <- coef(m); X <- cbind(1, x); top <- penalised(b, X, y); drop <- qchisq(0.95, 1) / 2; out <- c()
  se <- sqrt(diag(solve(t(X) %*% (X * as.vector(fitted(m) * (1 - fitted(m)))))))
  for (j in seq_along(b)) {
    g <- function(v) top - profile_at(j, v, b, X, y) - drop
    lo <- uniroot(g, c(b[j] - 8 * se[j], b[j]), tol = 1e-11)$root; hi <- uniroot(g, c(b[j], b[j] + 8 * se[j]), tol = 1e-11)$root
    out <- c(out, b[j], se[j], lo, hi, pchisq(2 * (top - profile_at(j, 0, b, X, y)), 1, lower.tail = FALSE))
  }
  out
}
memory <- c(rep(0, 12), rep(1, 12)); parallel <- rep(c(0, 1), 12)
separated <- as.numeric(parallel == 1 & memory == 0)
some <- separated; some[c(14, 20, 2)] <- c(1, 1, 0)
one <- matrix(c(rep(0, 5), rep(1, 2)), ncol = 1); y1 <- c(0, 0, 0, 0, 0, 1, 1)
set.seed(3); z <- cbind(memory, parallel, round(rnorm(24), 2))
for (d in list(list(one, y1), list(cbind(memory, parallel), separated), list(cbind(memory, parallel), some), list(z, some)))
  add("firth", expand(d[[1]], d[[2]]), firth(d[[1]], d[[2]]))

# The conditional distribution of a 2x2 table is the noncentral
# hypergeometric one, of tables by block its convolution. fisher.test and
# mantelhaen.test solve the same equations to 1e-4 only, so they are checked
# against and not copied.
trials <- function(t) list(x = matrix(c(rep(1, sum(t[1, ])), rep(0, sum(t[2, ]))), ncol = 1), y = c(rep(1:0, t[1, ]), rep(1:0, t[2, ])))
exact <- function(tables) {
  d <- 1; lo <- 0; obs <- 0
  for (k in seq_len(dim(tables)[3])) {
    t <- tables[, , k]; m <- sum(t[1, ]); n <- sum(t[2, ]); e <- sum(t[, 1]); s <- max(0, e - n):min(m, e)
    new <- dhyper(s, m, n, e); out <- rep(0, length(d) + length(new) - 1)
    for (i in seq_along(new)) { at <- i:(i + length(d) - 1); out[at] <- out[at] + new[i] * d }
    d <- out; lo <- lo + min(s); obs <- obs + t[1, 1]
  }
  v <- lo + seq_along(d) - 1
  pr <- function(b) { w <- log(d) + b * v; w <- exp(w - max(w)); w / sum(w) }
  root <- function(f) uniroot(f, c(-30, 30), tol = 1e-14)$root
  lower <- if (obs == min(v)) -Inf else root(function(b) sum(pr(b)[v >= obs]) - 0.025)
  upper <- if (obs == max(v)) Inf else root(function(b) sum(pr(b)[v <= obs]) - 0.025)
  est <- if (is.finite(lower) && is.finite(upper)) root(function(b) sum(pr(b) * v) - obs) else NA
  list(p = sum(d[d <= d[v == obs] * (1 + 1e-7)]), ci = c(lower, upper), est = est)
}
near <- function(a, b) stopifnot(all((a == b) | abs(a - b) < 2e-2))
for (t in list(matrix(c(2, 0, 0, 5), 2, byrow = TRUE), matrix(c(3, 2, 1, 7), 2, byrow = TRUE), matrix(c(5, 9, 6, 8), 2, byrow = TRUE))) {
  d <- trials(t); e <- exact(array(t, c(2, 2, 1))); f <- fisher.test(t)
  near(c(e$p, e$ci), c(f$p.value, log(f$conf.int)))
  add("exact_p_ci", c(expand(d$x, d$y), 0), inf(c(e$p, e$ci)))
  if (!is.na(e$est)) { near(e$est, log(f$estimate)); add("exact_estimate", c(expand(d$x, d$y), 0), e$est) }
}
tables <- array(c(2, 1, 1, 3, 3, 1, 2, 4, 1, 1, 2, 3), c(2, 2, 3))
x <- c(); y <- c()
for (k in 1:3) { d <- trials(tables[, , k]); x <- rbind(x, cbind(d$x, k == 2, k == 3)); y <- c(y, d$y) }
m <- mantelhaen.test(tables, exact = TRUE); e <- exact(tables)
near(c(e$p, e$ci, e$est), c(m$p.value, log(m$conf.int), log(m$estimate)))
add("exact_p_ci", c(expand(x, y), 0), c(e$p, e$ci))
add("exact_estimate", c(expand(x, y), 0), e$est)

# Several covariates dropped at once: twice the loss of the penalised
# likelihood when they are held at 0 in the same design.
dropped <- function(x, y, which) {
  X <- cbind(1, x); top <- penalised(coef(suppressWarnings(brglm(y ~ x, family = binomial, control.brglm = brglm.control(br.epsilon = 1e-12, br.maxit = 5000)))), X, y)
  free <- setdiff(seq_len(ncol(X)), which + 2)
  f <- function(o) { full <- rep(0, ncol(X)); full[free] <- o; penalised(full, X, y) }
  o <- rep(0, length(free))
  for (i in 1:8) {
    if (length(o) > 1) o <- optim(o, f, control = list(fnscale = -1, reltol = 1e-15, maxit = 5000))$par
    o <- optim(o, f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 5000))$par
  }
  pchisq(2 * (top - f(o)), length(which), lower.tail = FALSE)
}
strategy <- rep(0:3, 6); levels4 <- cbind(strategy == 1, strategy == 2, strategy == 3) * 1
crashed <- c(0,0,1,1, 0,1,1,0, 0,0,1,0, 0,0,1,1, 0,0,0,0, 1,0,1,1)
add("dropped", c(expand(cbind(levels4, memory), crashed), 3, 0, 1, 2), dropped(cbind(levels4, memory), crashed, 0:2))
add("dropped", c(expand(cbind(levels4, memory), crashed), 1, 3), dropped(cbind(levels4, memory), crashed, 3))

# Generalised Cochran-Mantel-Haenszel: failures by level, by block.
block <- rep(1:6, each = 4)
m <- mantelhaen.test(table(factor(crashed), factor(strategy), factor(block)))
add("levels", c(24, 4, crashed, strategy, block), c(m$statistic, m$parameter, m$p.value))
uneven <- strategy; uneven[c(3, 10, 17)] <- c(0, 0, 1); block2 <- rep(1:3, each = 8)
m <- mantelhaen.test(table(factor(crashed), factor(uneven), factor(block2)))
add("levels", c(24, 4, crashed, uneven, block2), c(m$statistic, m$parameter, m$p.value))
# Ranks inside complete blocks: Friedman's test.
times <- matrix(c(10,12,9,15, 11,13,8,14, 9,14,10,16, 12,11,9,15, 10,15,8,13), ncol = 4, byrow = TRUE)
fr <- friedman.test(times)
ranks <- as.vector(apply(times, 1, rank))
add("levels", c(20, 4, ranks, rep(0:3, 5), rep(1:5, each = 4)), c(fr$statistic, fr$parameter, fr$p.value))
cat(toJSON(list(source = unbox(paste0(R.version.string, ", brglm ", packageVersion("brglm"))), cases = cases), auto_unbox = FALSE, digits = NA), "\n")
